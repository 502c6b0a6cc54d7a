/**
 * What is written down of the log is what is logged: each message of the code is in the tables, and lines have the fields that
 * stand there, and no others.
 */
import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import type { JsonObject } from '../../schemas/json-object.ts'
import { buildGateway, fileOf } from '../support/build-gateway.ts'
import { chat, framesOf, HELLO } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { otlpReceiver } from '../support/otlp-receiver.ts'
import { answering, CUT, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

const ROOT = new URL('../../', import.meta.url)
/** What is not the service's code. */
const ASIDE = new Set(['test', 'bench', 'demo', 'node_modules', 'docs', 'tools'])
/** Of each line. */
const COMMON = ['level', 'time', 'pid', 'hostname', 'msg', 'reqId', 'trace_id', 'span_id']

/** The fields of each message, by the tables. */
async function documented (): Promise<Map<string, Set<string>>> {
  const lines = new Map<string, Set<string>>()
  let above = new Set<string>()
  for (const row of (await readFile(new URL('docs/logs.md', ROOT), 'utf8')).split('\n')) {
    const [, message, , fields] = /^\| `([^`]+)` \| ([^|]*) \| ?([^|]*)\|$/.exec(row) ?? []
    if (message === undefined || fields === undefined) continue
    const named = [...fields.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '')
    const set = new Set(fields.includes('the same') ? [...above, ...named] : named)
    if (!fields.includes('the same')) above = set
    lines.set(message, set)
  }
  return lines
}

/** The messages of every call of a logger that has its message in it. */
async function messagesOfTheCode (): Promise<string[]> {
  const messages: string[] = []
  for (const entry of await readdir(ROOT, { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`.slice(ROOT.pathname.length).replace(/^\/+/, '')
    if (!entry.isFile() || !path.endsWith('.ts') || ASIDE.has(path.split('/')[0] ?? '')) continue
    for (const line of (await readFile(new URL(path, ROOT), 'utf8')).split('\n')) {
      if (!/\blog(\.(fatal|error|warn|info|debug|trace)|\[[^\]]+\])\(/.test(line)) continue
      const [, quoted, template] = /(?:'((?:[^'\\]|\\.)+)'|`([^`]+)`)\)[\s})]*(?:,.*)?$/.exec(line) ?? []
      if (quoted === undefined && template === undefined) throw new Error(`a message that cannot be read: ${path}: ${line.trim()}`)
      messages.push((quoted ?? template ?? '').replaceAll('\\\'', '\'').replace(/^\$\{[^}]+\}/, '…'))
    }
  }
  return messages
}

t.test('every message of the code is written down', async t => {
  const known = await documented()
  const messages = await messagesOfTheCode()
  t.ok(messages.length > 30, 'they were found')
  t.same(messages.filter(message => !known.has(message)), [])
})

t.test('lines have the fields that are written down, and no others', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const receiver = await otlpReceiver(t)
  receiver.status = 400
  const { url, server, log, logged } = await buildGateway(t, { file: fileOf(upstreams, { midstreamFailover: 'continue' }), keys: false, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
  const broken = streaming(role(), text('Hel'), CUT)
  // Failed over; carried on; not carried on, as neither can, by when the breaker of a is open; rate limited.
  upstreams.a.next(status(503), broken, broken)
  upstreams.a.otherwise = status(503)
  upstreams.b.next(answering('Hello'), answering('Hello'), status(400, { error: { message: 'no' } }), status(429))
  for (let round = 0; round < 3; round++) await framesOf(await chat(url, { ...HELLO, stream: true }))
  await (await chat(url)).text()
  for (const body of ['{', { ...HELLO, temperature: 'x' }]) await (await chat(url, body)).text()
  await (await fetch(`${url}/nothing`)).text()
  await (await fetch(`${url}/healthz`)).text()
  await server.breakers.override('b', 'force_open', { by: 'test', reason: 'test' })
  await until('all is logged', () => ['request ended', 'attempt failed', 'stream carried on', 'stream not carried on', 'target is rate limited', 'breaker changed', 'traces cannot be exported: spans are lost'].every(message => logged(message).length > 0), 6000)
  const known = await documented()
  const lines = log.map((line): JsonObject => JSON.parse(line)).filter(({ msg }) => known.has(String(msg)))
  const seen = new Map<string, Set<string>>()
  for (const line of lines) {
    const message = String(line['msg'])
    const fields = seen.get(message) ?? new Set()
    for (const name of Object.keys(line)) if (!COMMON.includes(name)) fields.add(name)
    seen.set(message, fields)
  }
  for (const [message, fields] of seen) t.same([...fields].filter(name => known.get(message)?.has(name) !== true), [], message)
  t.same([...known.get('request ended') ?? []].filter(name => seen.get('request ended')?.has(name) !== true), [], 'all that is written down of a request is there')
  t.same([...known.get('attempt failed') ?? []].sort(), [...seen.get('attempt failed') ?? []].sort())
})
