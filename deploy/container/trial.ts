/**
 * Starts the built image under runc as a cluster would, and asks it for what it promises. Ends with 1 if anything is not so.
 *
 *     node trial.ts ROOTFS IMAGE_JSON BUNDLE_DIRECTORY     # `replay` calls it
 */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeBundle, readImage } from './oci-bundle.ts'

const [, , rootfs = '', imageFile = '', directory = ''] = process.argv
const image = readImage(imageFile)
const NODE = '/usr/local/bin/node'
const WORDS = ['one', ' two', ' three', ' four', ' five']
const PATIENCE_MS = 60_000
/** What the image is started with. The first says of each file that it loads whether the compile cache has it. */
const TRIALS = [
  { id: 'memory', title: 'nothing to write to at all', env: { DATA_DIR: 'memory://', NODE_DEBUG_NATIVE: 'COMPILE_CACHE' } },
  { id: 'data', title: 'with a place for PGlite at /data', env: {} },
  { id: 'postgres', title: 'with a PostgreSQL that is away', env: { DATABASE_URL: 'postgres://any:any@127.0.0.1:9/any' } }
]
let faults = 0

function check (what: string, isSo: boolean, detail: unknown = ''): void {
  console.log(`${isSo ? 'ok    ' : 'NOT OK'} ${what}${detail === '' ? '' : `: ${String(detail)}`}`)
  if (!isSo) faults++
}

/** An OpenAI-compatible server: sends a word, and the next one when it is told to, or at once. */
class Provider {
  readonly #server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    void this.#answer(text => { response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, ...text }] })}\n\n`) })
      .then(() => { response.end('data: [DONE]\n\n') })
  })

  /** What the next answers wait for after their first word. */
  held: Promise<void> = Promise.resolve()

  async #answer (send: (choice: object) => void): Promise<void> {
    for (const [index, content] of WORDS.entries()) {
      send({ delta: { role: 'assistant', content }, finish_reason: null })
      if (index === 0) await this.held
    }
    send({ delta: {}, finish_reason: 'stop' })
  }

  async listen (): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1`
  }

  close (): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

class Container {
  readonly id: string
  readonly process: ChildProcess
  readonly exited: Promise<unknown[]>
  readonly #started = performance.now()
  output = ''

  constructor (id: string, env: Readonly<Record<string, string>>, data: boolean) {
    this.id = id
    makeBundle({ rootfs, image, directory: join(directory, id), env, data })
    this.process = spawn('runc', ['run', '--bundle', join(directory, id), id], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.process.stdout, this.process.stderr]) stream?.on('data', (data: Buffer) => { this.output += data.toString() })
    this.exited = once(this.process, 'exit')
  }

  /** Waits for `GET /readyz` to be 200; gives the ms since the start. */
  async ready (url: string): Promise<number> {
    for (;;) {
      const answers = await fetch(`${url}/readyz`).then(({ ok }) => ok, () => false)
      if (answers) return performance.now() - this.#started
      if (this.process.exitCode !== null || performance.now() - this.#started > PATIENCE_MS) throw new Error(`it does not start:\n${this.output}`)
      await delay(10)
    }
  }

  /** Runs a command inside; gives its output. @throws it failed */
  run (...command: string[]): string {
    return execFileSync('runc', ['exec', this.id, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  signal (signal: string): void {
    execFileSync('runc', ['kill', this.id, signal])
  }
}

/** A port that was free just now. */
async function freePort (): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return String(typeof address === 'object' ? address?.port : '')
}

/** Sends a streamed completion; its text so far, and the whole when it has ended. */
async function stream (url: string) {
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream: true }) })
  if (response.body === null) throw new Error('no body')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const { value: first = '' } = await reader.read()
  const rest = async (): Promise<string> => {
    let text = first
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text
      text += value
    }
  }
  return { first, rest }
}

function said (frames: string): string {
  return [...frames.matchAll(/"content":"([^"]*)"/g)].map(match => match[1]).join('')
}

/** All files below a directory, links not followed. */
function filesOf (path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

const provider = new Provider()
const baseURL = await provider.listen()
try {
  const files = filesOf(rootfs)
  const programs = files.filter(file => (statSync(file).mode & 0o111) !== 0 && readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF' && !/\.so(\.|$)/.test(file)).map(file => file.slice(rootfs.length))
  check('the only program is Node', programs.join() === NODE, programs.join())
  check('no file may be changed by the user, or has a set-uid bit', !files.some(file => (statSync(file).mode & 0o6002) !== 0))
  console.log(`       ${Math.round(files.reduce((sum, file) => sum + statSync(file).size, 0) / 2 ** 20)} MiB in ${files.length} files`)

  for (const { id, title, env } of TRIALS) {
    console.log(`-- ${title}`)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const container = new Container(`gateway-${process.pid}-${id}`, { HOST: '127.0.0.1', PORT: port, OPENAI_BASE_URL: baseURL, OPENAI_MODEL: 'm', ...env }, id === 'data')
    try {
      check('it is ready', true, `${Math.round(await container.ready(url))} ms after runc was started`)
      if (id === 'memory') {
        const accepted = container.output.match(/ was accepted/g)?.length ?? 0
        const refused = container.output.match(/ was rejected/g)?.length ?? 0
        check('what it loads comes from the compile cache', accepted > 400 && refused === 0, `${accepted} files, ${refused} refused`)
      }
      const status = container.run(NODE, '--print', 'fs.readFileSync("/proc/1/status", "utf8")')
      const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
      check('process 1 is Node, user 65532', field('Name') === 'node' || field('Name') === 'MainThread', `${field('Name')}, ${field('Uid')}`)
      check('it is no root', field('Uid').split('\t').every(uid => uid === '65532') && field('Gid').split('\t').every(gid => gid === '65532'))
      check('it has no capabilities, and can get none', ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb'].every(name => /^0+$/.test(field(name))) && field('NoNewPrivs') === '1')
      check('a seccomp filter is on', field('Seccomp') === '2')
      check('the root file system is read-only', container.run(NODE, '--print', 'try { fs.writeFileSync("/app/x", "") } catch ({ code }) { code }').trim() === 'EROFS')
      check('the health check says healthy', (() => { container.run(...image.Healthcheck.Test.slice(1)); return true })())

      const whole = await (await stream(url)).rest()
      check('a stream is whole', said(whole) === WORDS.join('') && whole.trimEnd().endsWith('data: [DONE]'), said(whole))
      const hold = Promise.withResolvers<void>()
      provider.held = hold.promise
      const running = await stream(url)
      container.signal(image.StopSignal ?? 'SIGTERM')
      while (await fetch(`${url}/readyz`).then(({ status }) => status !== 503, () => true)) await delay(10)
      check('after SIGTERM it is not ready, and its stream goes on', said(running.first) === WORDS[0])
      hold.resolve()
      const drained = await running.rest()
      check('that stream ends whole', said(drained) === WORDS.join('') && drained.trimEnd().endsWith('data: [DONE]'))
      const [code] = await container.exited
      check('then process 1 ends with 0', code === 0, code)
      provider.held = Promise.resolve()
    } finally {
      try {
        execFileSync('runc', ['delete', '--force', container.id])
      } catch {} // it is gone already
    }
  }
} finally {
  provider.close()
}
console.log(faults === 0 ? 'All is so.' : `${faults} are not so.`)
process.exit(faults === 0 ? 0 : 1)
