import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import type { BatchEncoder } from '../../streams/batch-pump.ts'
import { sendBatches } from '../../streams/batch-response.ts'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { settle } from '../support/virtual-time.ts'

const LINES: BatchEncoder<string> = {
  encode: items => items.map(item => `${item}\n`).join(''),
  end: () => 'end\n',
  fail: error => `failed: ${error.message}\n`
}

/** One answer, as the server sees it. */
interface Answer {
  readonly queue: BoundedQueue<string>
  readonly response: ServerResponse
  readonly socket: Socket
  readonly sent: Promise<void>
}

/** A server whose every answer is a queue; and the answers, in the order of their requests. */
async function server (t: Test, encoder = LINES): Promise<{ port: number, next: () => Promise<Answer> }> {
  const answers: Answer[] = []
  let wake = () => {}
  const http = createServer((request, response) => {
    const queue = new BoundedQueue<string>()
    response.writeHead(200, { 'content-type': 'text/plain' })
    answers.push({ queue, response, socket: request.socket, sent: sendBatches(queue, encoder, response) })
    wake()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => { http.close().closeAllConnections() })
  return {
    port: (http.address() as AddressInfo).port,
    next: async () => {
      while (answers.length === 0) await new Promise<void>(resolve => { wake = resolve })
      const [answer] = answers.splice(0, 1)
      if (answer === undefined) throw new Error('unreachable')
      return answer
    }
  }
}

/** A bare connection, which sees every byte. */
class Client {
  readonly socket: Socket
  text = ''
  pieces = 0
  #wake = () => {}

  constructor (t: Test, port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('error', () => {}) // the server may break it
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text
      this.pieces++
      this.#wake()
    })
    t.teardown(() => this.socket.destroy())
  }

  get (version = '1.1'): void { this.socket.write(`GET / HTTP/${version}\r\nhost: test\r\n\r\n`) }

  async until (end: string): Promise<void> {
    while (!this.text.includes(end)) await new Promise<void>(resolve => { this.#wake = resolve })
  }
}

/** The chunks of a body, decoded by the specification's rules; their sizes are of bytes. */
function unchunked (body: string): string[] {
  const chunks: string[] = []
  let rest = Buffer.from(body)
  for (;;) {
    const line = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.subarray(0, line).toString(), 16)
    if (size === 0) {
      t.equal(rest.toString(), '0\r\n\r\n', 'nothing follows the last chunk')
      return chunks
    }
    chunks.push(rest.subarray(line + 2, line + 2 + size).toString())
    t.equal(rest.subarray(line + 2 + size, line + 4 + size).toString(), '\r\n', 'a chunk ends where its size says')
    rest = rest.subarray(line + 4 + size)
  }
}

const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4)

t.test('the head leaves with the first batch, and the last batch with the end', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  client.get()
  const { queue, sent } = await next()
  await settle()
  t.equal(client.pieces, 0, 'nothing leaves before there is something to say')
  queue.offer('a')
  queue.offer('b é 中 😀')
  await client.until('😀\n\r\n')
  t.match(client.text, /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*transfer-encoding: chunked\r\n/i)
  t.equal(client.pieces, 1)
  queue.offer('c')
  queue.close()
  await sent
  await client.until('0\r\n\r\n')
  t.equal(client.pieces, 2)
  t.same(unchunked(bodyOf(client.text)), ['a\nb é 中 😀\n', 'c\nend\n'])
})

t.test('text of any alphabet, short or long, arrives as it was', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  client.get()
  const { queue, sent } = await next()
  const texts = ['x', 'é', '\u00ff', '中', '😀', '\u0080x'].flatMap(character => [1, 5_000, 9_000, 40_000].map(length => character.repeat(length)))
  for (const text of texts) {
    queue.offer(text)
    await client.until(`${text}\n\r\n`)
    client.text = ''
  }
  queue.offer('é'.repeat(9_000))
  queue.close()
  await sent
  await client.until('0\r\n\r\n')
  t.same(unchunked(client.text), [`${'é'.repeat(9_000)}\nend\n`])
})

t.test('one connection serves one answer after another, and nothing of them is left on it', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  let listeners: number | undefined
  for (let round = 0; round < 12; round++) {
    client.text = ''
    client.get()
    const { queue, sent, socket, response } = await next()
    queue.offer(`answer ${round}`)
    await client.until(`answer ${round}`)
    queue.close()
    await sent
    await client.until('0\r\n\r\n')
    t.same(unchunked(bodyOf(client.text)), [`answer ${round}\n`, 'end\n'])
    t.equal(response.listenerCount('close'), 0)
    listeners ??= socket.listenerCount('drain')
    t.equal(socket.listenerCount('drain'), listeners)
  }
})

t.test('a request that was sent before the answer to the one before had ended gets its own, after it', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  client.get()
  const first = await next()
  client.get()
  const second = await next()
  second.queue.offer('second')
  second.queue.close()
  first.queue.offer('first')
  await client.until('first')
  t.notMatch(client.text, 'second')
  first.queue.close()
  await client.until('second\n')
  await Promise.all([first.sent, second.sent])
  await client.until('end\n\r\n0\r\n\r\nHTTP/1.1 200 OK')
  t.match(client.text, /first[^]*end[^]*HTTP\/1\.1 200 OK[^]*second\n[^]*end/)
})

t.test('a client of HTTP/1.0 gets the bare text, and the end by the connection\'s', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  const closed = once(client.socket, 'close')
  client.get('1.0')
  const { queue } = await next()
  queue.offer('a')
  await client.until('a\n')
  queue.offer('b')
  queue.close()
  await closed
  t.equal(bodyOf(client.text), 'a\nb\nend\n')
})

t.test('while the client does not read, the queue fills; then everything comes once, in order', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  client.get()
  const { queue } = await next()
  client.socket.pause()
  const item = (n: number) => `${n} `.padEnd(20_000, '.')
  let offered = 0
  for (let still = 0; still < 50; still++) {
    while (queue.offer(item(offered)) === 'accepted') {
      offered++
      still = 0
    }
    await settle()
  }
  t.equal(queue.size, 100, 'full, and there it stays')
  const before = offered
  client.socket.resume()
  while (offered < before + 500) {
    if (queue.offer(item(offered)) === 'accepted') offered++
    else await settle()
  }
  queue.close()
  await client.until('0\r\n\r\n')
  const lines = unchunked(bodyOf(client.text)).join('').split('\n')
  t.same(lines, [...Array.from({ length: offered }, (_, n) => item(n)), 'end', ''])
})

t.test('a client that leaves, idle or not, cancels the queue', async t => {
  const { port, next } = await server(t)
  for (const items of [[], ['a']]) {
    const client = new Client(t, port)
    client.get()
    const { queue, sent } = await next()
    for (const item of items) queue.offer(item)
    client.socket.destroy()
    await sent
    t.equal(queue.state.kind, 'cancelled')
  }
})

t.test('a response that is closed already cancels the queue', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  client.get()
  const { response, sent } = await next()
  response.destroy()
  await sent
  const queue = new BoundedQueue<string>()
  await sendBatches(queue, LINES, response)
  t.equal(queue.state.kind, 'cancelled')
})

t.test('a failure that has words ends the body in order', async t => {
  const { port, next } = await server(t)
  const client = new Client(t, port)
  client.get()
  const { queue } = await next()
  queue.offer('a')
  queue.fail(new Error('broken'))
  await client.until('0\r\n\r\n')
  t.same(unchunked(bodyOf(client.text)), ['a\nfailed: broken\n'])
})

t.test('a failure without words breaks the connection, so that the body does not look whole', async t => {
  const { port, next } = await server(t, { ...LINES, fail: () => undefined })
  const client = new Client(t, port)
  const closed = once(client.socket, 'close')
  client.get()
  const { queue, sent } = await next()
  const refused = t.rejects(sent, { message: 'broken' })
  queue.offer('a')
  await client.until('a\n')
  queue.fail(new Error('broken'))
  await closed
  await refused
  t.notMatch(client.text, '0\r\n\r\n')
})
