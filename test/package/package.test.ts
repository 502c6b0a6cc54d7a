/**
 * The package as others get it: packed, installed into an empty project outside of this repository, and used there by host
 * services (`hosts/`) and by a provider of somebody else's (`examples/ollama-provider`).
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import type { Test } from 'tap'
import { chat, contentOf, framesOf } from '../support/chat-client.ts'
import { testDatabase } from '../support/postgres.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BIN = join(ROOT, 'node_modules/.bin')
const MANIFEST = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))

t.setTimeout(600_000)

/** Runs a program; what it says is said if it fails. */
async function succeeds (t: Test, name: string, program: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  try {
    const { stdout } = await run(program, args, { cwd, timeout: 300_000, killSignal: 'SIGKILL', env: { ...process.env, TAP: '', NODE_OPTIONS: '', NODE_COMPILE_CACHE: '', ...env }, maxBuffer: 64 * 1024 * 1024 })
    t.pass(name)
    return stdout
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error && 'stderr' in error ? `${String(error.stdout)}${String(error.stderr)}` : String(error)
    t.fail(name, { said: said.slice(-8_000) })
    throw new Error(`${name} failed`)
  }
}

/** The gateway's own program, in the project that has it installed. */
interface Program {
  /** Resolves with where it listens; rejects with what it said on standard error. */
  readonly url: Promise<string>
  stop (): Promise<number | null>
}

function start (t: Test, project: string, env: Record<string, string>): Program {
  const child = spawn(join(project, 'node_modules/.bin/llm-stream-gateway'), { cwd: project, env: { PATH: process.env['PATH'], HOST: '127.0.0.1', PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = new Promise<number | null>(resolve => { child.once('close', resolve) })
  const said: string[] = []
  createInterface({ input: child.stderr }).on('line', line => said.push(line))
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const listening = /Server listening at (http:[^"]+)/.exec(line)?.[1]
      if (listening !== undefined) resolve(listening)
    })
    void exited.then(() => reject(new Error(said.join('\n'))))
  })
  url.catch(() => {})
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      return await exited
    }
  }
}

t.test('packed and installed', async t => {
  const project = await realpath(await mkdtemp(join(tmpdir(), 'llm-gateway-package-')))
  t.teardown(async () => await rm(project, { recursive: true, force: true }))
  const [packed] = JSON.parse((await succeeds(t, 'npm pack', 'npm', ['pack', '--json', '--pack-destination', project], ROOT)).replace(/^[^[]*/, ''))
  const tarball = join(project, packed.filename)

  t.test('holds what it needs, and nothing of the development', async t => {
    const paths: string[] = packed.files.map(({ path }: { path: string }) => path)
    for (const path of ['dist/index.js', 'dist/index.d.ts', 'dist/index.js.map', 'dist/server.js', 'dist/cluster/worker.js', 'dist/db/pglite-thread.js', 'dist/db/migrations/0000_breakers_and_audit.sql', 'README.md', 'LICENSE']) t.ok(paths.includes(path), path)
    t.same(paths.filter(path => !/^(dist\/|README\.md$|LICENSE$|package\.json$)/.test(path)), [])
    t.same(paths.filter(path => /(^|\/)(test|bench|demo|tools|examples)\//.test(path)), [])
    for (const target of Object.values<{ types: string, default: string } | string>(MANIFEST.exports)) {
      for (const path of typeof target === 'string' ? [target] : Object.values(target)) t.ok(paths.includes(path.slice(2)), path)
    }
  })

  t.test('publint and attw report nothing', async t => {
    await succeeds(t, 'publint', join(BIN, 'publint'), ['run', tarball, '--strict'], ROOT)
    await succeeds(t, 'attw', join(BIN, 'attw'), [tarball, '--profile', 'esm-only'], ROOT)
  })

  const { devDependencies } = MANIFEST
  await writeFile(join(project, 'package.json'), JSON.stringify({
    name: 'host',
    private: true,
    type: 'module',
    dependencies: { fastify: devDependencies.fastify, [MANIFEST.name]: `file:${tarball}` },
    devDependencies: { '@types/node': devDependencies['@types/node'], typescript: devDependencies.typescript }
  }))
  await succeeds(t, 'npm install', 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], project)
  await cp(join(ROOT, 'test/package/hosts'), join(project, 'hosts'), { recursive: true })
  await cp(join(ROOT, 'examples/ollama-provider'), join(project, 'ollama-provider'), { recursive: true })
  const variables = { DATABASE_URL: await testDatabase(t), OTHER_DATABASE_URL: await testDatabase(t) }

  await t.test('the hosts\' types are right', async t => {
    const tsc = join(project, 'node_modules/.bin/tsc')
    await succeeds(t, 'hosts', tsc, ['-p', 'hosts'], project)
    await succeeds(t, 'a provider of somebody else\'s', tsc, ['-p', 'ollama-provider'], project)
  })

  for (const host of ['breaker-alone', 'one-provider', 'whole-gateway']) {
    // A host that leaves something open does not end, and is killed.
    await t.test(host, async t => { await succeeds(t, host, process.execPath, ['--test', '--test-timeout=120000', `hosts/${host}.test.ts`], project, variables) })
  }

  await t.test('a provider of somebody else\'s, by its own tests', async t => {
    await succeeds(t, 'ollama-provider', process.execPath, ['--test', '--test-timeout=120000', 'ollama-provider/ollama-provider.test.ts'], project, variables)
  })

  await t.test('the program, with a provider that a configuration file names', async t => {
    const upstream = await scriptedUpstream(t)
    const line = (object: object) => `${JSON.stringify(object)}\n`
    upstream.otherwise = response => { response.end(line({ message: { content: 'Hello' }, done: false }) + line({ done: true, done_reason: 'stop' })) }
    await writeFile(join(project, 'gateway.json'), JSON.stringify({ targets: [{ name: 'local', plugin: './ollama-provider/ollama-provider.ts', options: { baseURL: upstream.origin, model: 'llama' } }] }))
    const program = start(t, project, { GATEWAY_CONFIG: 'gateway.json', DATABASE_URL: variables.DATABASE_URL, WORKERS: '2' })
    const response = await chat(await program.url, { messages: [{ role: 'user', content: 'Hello!' }], model: 'local', stream: true })
    t.equal(contentOf(await framesOf(response)), 'Hello')
    t.equal((await upstream.request(1)).url, '/api/chat')
    t.equal(await program.stop(), 0)
  })

  await t.test('the program without a package that it needs says which, and has it when it is installed', async t => {
    const upstream = await scriptedUpstream(t)
    const env = { OPENAI_BASE_URL: upstream.baseURL, OPENAI_MODEL: 'gpt', DATA_DIR: 'memory://' }
    for (const WORKERS of ['1', '2']) {
      await t.rejects(start(t, project, { ...env, WORKERS }).url, { message: 'The embedded database, used where there is no DATABASE_URL, needs @electric-sql/pglite: npm install @electric-sql/pglite' })
    }
    await cp(join(ROOT, 'node_modules/@electric-sql/pglite'), join(project, 'node_modules/@electric-sql/pglite'), { recursive: true }) // it depends on nothing
    const program = start(t, project, { ...env, WORKERS: '2' })
    t.equal(contentOf(await framesOf(await chat(await program.url, { messages: [{ role: 'user', content: 'Hello!' }], stream: true }))), 'Hello, world')
    t.equal(await program.stop(), 0)
  })
})
