import t from 'tap'
import type { Test } from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import type { BodyFlow, BodyReader, StreamResponse } from '../../upstream/exchange.ts'
import type { HttpUpstreamOptions, UpstreamRequest } from '../../upstream/http-upstream.ts'
import { rawUpstream } from '../support/raw-upstream.ts'
import type { Connection } from '../support/raw-upstream.ts'
import { rejectionOf } from '../support/rejection.ts'
import { scriptedUpstream, status } from '../support/scripted-upstream.ts'
import { settle } from '../support/virtual-time.ts'

function upstreamAt (t: Test, origin: string, options: Omit<HttpUpstreamOptions, 'origin'> = {}): HttpUpstream {
  const upstream = new HttpUpstream({ origin, ...options })
  t.teardown(async () => await upstream.close())
  return upstream
}

function post (signal: AbortSignal = new AbortController().signal): UpstreamRequest {
  return { path: '/v1/x?y=1', headers: { 'content-type': 'application/json', 'api-key': 'secret' }, body: '{"a":"ä"}', signal }
}

/** Collects a body. */
class Collector implements BodyReader {
  text = ''
  readonly flow: BodyFlow
  readonly #outcome = Promise.withResolvers<string>()
  readonly #first = Promise.withResolvers<void>()
  /** `end`, or the reason of the failure. */
  readonly outcome = this.#outcome.promise
  readonly first = this.#first.promise
  constructor (flow: BodyFlow) { this.flow = flow }
  data (bytes: Buffer): void {
    this.text += bytes.toString()
    this.#first.resolve()
  }

  end (): void { this.#outcome.resolve('end') }
  fail (error: UpstreamError): void { this.#outcome.resolve(error.reason) }
}

async function open (upstream: HttpUpstream, request: UpstreamRequest): Promise<{ response: StreamResponse, reader: Collector | undefined }> {
  let reader: Collector | undefined
  const response = await upstream.stream(request, flow => (reader = new Collector(flow)))
  return { response, reader }
}

/** Both ways of asking: every failure before the status is the same for them. */
const WAYS: Readonly<Record<'whole' | 'stream', (upstream: HttpUpstream, request: UpstreamRequest) => Promise<unknown>>> = {
  whole: async (upstream, request) => await upstream.whole(request),
  stream: async (upstream, request) => await upstream.stream(request, flow => new Collector(flow))
}

t.test('a whole answer of any status; a redirect is not followed, so that the key goes nowhere else', async t => {
  const scripted = await scriptedUpstream(t)
  const upstream = upstreamAt(t, scripted.origin)
  for (const [code, headers] of [[200, {}], [204, {}], [302, { location: `${scripted.origin}/other` }], [429, { 'retry-after': '7' }], [500, {}]] as const) {
    scripted.next(status(code, code === 204 ? '' : { ok: 'ü' }, headers))
    const response = await upstream.whole(post())
    t.match(response, { status: code, headers, text: code === 204 ? '' : '{"ok":"ü"}' })
  }
  t.equal(scripted.requests.length, 5)
  t.match(scripted.requests[0], { method: 'POST', url: '/v1/x?y=1', headers: { 'api-key': 'secret' }, text: '{"a":"ä"}' })
})

t.test('a streamed answer: 2xx goes to the reader, anything else comes whole', async t => {
  const scripted = await scriptedUpstream(t)
  const upstream = upstreamAt(t, scripted.origin)
  scripted.next(status(200, 'body', { 'x-id': '1' }), status(307, '', { location: '/other' }), status(503, 'overloaded', { 'retry-after': '7' }))
  const streamed = await open(upstream, post())
  t.match(streamed.response, { kind: 'stream', headers: { 'x-id': '1' } })
  t.equal(await streamed.reader?.outcome, 'end')
  t.equal(streamed.reader?.text, 'body')
  t.match(await open(upstream, post()), { response: { kind: 'refused', response: { status: 307 } }, reader: undefined })
  t.match(await open(upstream, post()), { response: { kind: 'refused', response: { status: 503, headers: { 'retry-after': '7' }, text: 'overloaded' } }, reader: undefined })
  t.equal(scripted.requests.length, 3)
})

for (const [way, ask] of Object.entries(WAYS)) {
  t.test(`${way}: what goes wrong before an answer`, async t => {
    const gone = await scriptedUpstream(t)
    const { origin } = gone
    await gone.close()
    t.match(await rejectionOf(ask(upstreamAt(t, origin), post())), { name: 'UpstreamError', reason: 'connect' }, 'nobody listens')
    t.match(await rejectionOf(ask(upstreamAt(t, 'http://host.invalid'), post())), { reason: 'connect' }, 'no such host')
    for (const [name, reason, answer] of [
      ['reset', 'reset', connection => connection.reset()],
      ['closed without a word', 'reset', connection => connection.end()],
      ['closed in the head', 'reset', connection => { connection.send('HTTP/1.1 200 OK\r\ncontent-'); connection.end() }]
    ] satisfies ReadonlyArray<readonly [string, string, (connection: Connection) => void]>) {
      const raw = await rawUpstream(t, async connection => {
        await connection.request()
        answer(connection)
      })
      t.match(await rejectionOf(ask(upstreamAt(t, raw.origin), post())), { name: 'UpstreamError', reason }, name)
    }
  })

  t.test(`${way}: given up before it began, it sends nothing`, async t => {
    const scripted = await scriptedUpstream(t)
    const upstream = upstreamAt(t, scripted.origin)
    const aborter = new AbortController()
    const early = ask(upstream, post(aborter.signal))
    aborter.abort(new UpstreamError('deadline', 'too late'))
    t.match(await rejectionOf(early), { reason: 'deadline' }, 'before the connection')
    t.match(await rejectionOf(ask(upstream, post(aborter.signal))), { reason: 'deadline' }, 'before the call')
    await ask(upstream, post())
    t.equal(scripted.requests.length, 1)
  })

  t.test(`${way}: given up before the headers, it closes the connection`, async t => {
    const raw = await rawUpstream(t, () => {})
    const aborter = new AbortController()
    const asked = rejectionOf(ask(upstreamAt(t, raw.origin), post(aborter.signal)))
    const connection = await raw.connection(1)
    await connection.request()
    aborter.abort()
    t.match(await asked, { reason: 'client_closed' })
    await connection.closed
  })

  t.test(`${way}: an interim 1xx answer is not the answer`, async t => {
    const raw = await rawUpstream(t, async connection => {
      await connection.request()
      connection.send('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    })
    const response = await ask(upstreamAt(t, raw.origin), post())
    t.match(response, way === 'whole' ? { status: 200, text: 'ok' } : { kind: 'stream', headers: { 'content-length': '2' } })
  })

  t.test(`${way}: closing the pool fails what is under way`, async t => {
    const raw = await rawUpstream(t, () => {})
    const upstream = new HttpUpstream({ origin: raw.origin })
    const asked = rejectionOf(ask(upstream, post()))
    await (await raw.connection(1)).request()
    await upstream.close()
    t.match(await asked, { name: 'UpstreamError', reason: 'shutdown' })
  })
}

const CUTS: ReadonlyArray<readonly [string, (connection: Connection) => void]> = [
  ['content-length not reached', connection => { connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'); connection.end() }],
  ['chunks without terminator', connection => { connection.sendStreamHead(); connection.sendChunk('half'); connection.end() }]
]

t.test('a body that is cut is a failure, never an end', async t => {
  for (const [name, answer] of CUTS) {
    const raw = await rawUpstream(t, async connection => {
      await connection.request()
      answer(connection)
    })
    const upstream = upstreamAt(t, raw.origin)
    t.match(await rejectionOf(upstream.whole(post())), { reason: 'reset' }, name)
    const { reader } = await open(upstream, post())
    t.equal(await reader?.outcome, 'reset', name)
    t.equal(reader?.text, 'half', name)
  }
})

t.test('given up in the middle of the body: by the signal the reader is told, by the reader nobody is; the connection closes', async t => {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.sendStreamHead()
    connection.sendChunk('some')
  })
  const upstream = upstreamAt(t, raw.origin)
  const aborter = new AbortController()
  const first = await open(upstream, post(aborter.signal))
  await first.reader?.first
  aborter.abort(new UpstreamError('stalled', 'silent'))
  t.equal(await first.reader?.outcome, 'stalled')
  await (await raw.connection(1)).closed

  const later = new AbortController()
  const second = await open(upstream, post(later.signal))
  await second.reader?.first
  second.reader?.flow.abandon()
  later.abort()
  await (await raw.connection(2)).closed
  t.equal(await Promise.race([second.reader?.outcome, Promise.resolve('nothing')]), 'nothing')
})

t.test('whole: given up in the middle of the body, the connection closes', async t => {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
    aborter.abort()
  })
  const aborter = new AbortController()
  t.match(await rejectionOf(upstreamAt(t, raw.origin).whole(post(aborter.signal))), { reason: 'client_closed' })
  await (await raw.connection(1)).closed
})

t.test('an answer over the limit is not collected', async t => {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n' + 'x'.repeat(1001))
  })
  t.match(await rejectionOf(upstreamAt(t, raw.origin, { maxBodyBytes: 1000 }).whole(post())), { reason: 'malformed' })
  await (await raw.connection(1)).closed
  const scripted = await scriptedUpstream(t)
  scripted.next(status(200, 'x'.repeat(1000)))
  t.match(await upstreamAt(t, scripted.origin, { maxBodyBytes: 1000 }).whole(post()), { status: 200 }, 'of just the limit it is')
})

t.test('a finished answer leaves its connection to the next request, and requests at the same time have one each', async t => {
  const raw = await rawUpstream(t, async connection => {
    for (;;) {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    }
  })
  const upstream = upstreamAt(t, raw.origin)
  await upstream.whole(post())
  await settle() // undici gives the connection back on the next turn
  await upstream.whole(post())
  t.equal(raw.connections.length, 1)
  await settle()
  await Promise.all([upstream.whole(post()), upstream.whole(post()), upstream.whole(post())])
  t.equal(raw.connections.length, 3)
})
