/**
 * Many clients that never read what they asked for: each costs a bounded amount of memory, the upstream is not read for
 * them, and streams beside them are what they would be alone.
 */
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { openaiAt } from '../support/build-gateway.ts'
import { HELLO, chat } from '../support/chat-client.ts'
import { startGateway } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { PrometheusText } from '../support/prometheus-text.ts'
import { DONE, finish, role, scriptedUpstream, text } from '../support/scripted-upstream.ts'

const CLIENTS = share(50, 500)
/** What is offered to each, in bytes. */
const OFFERED = 24 * 1024 * 1024
/** What each may cost, in bytes, where chunks are of a token or two. Of few clients it cannot be told from garbage. */
const MOST = share(Infinity, 256 * 1024)
/** Characters of a chunk: of a token or two, and of much at once. */
const SIZES = [8, 4_000]

async function memory ({ url }: GatewayProcess): Promise<number> {
  return new PrometheusText(await (await fetch(`${url}/metrics`)).text()).value('process_resident_memory_bytes')
}

/** Resolves when more can be written, or nothing can any more. */
async function room (response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => {
    const go = () => {
      response.removeListener('drain', go)
      response.removeListener('close', go)
      resolve()
    }
    response.on('drain', go)
    response.on('close', go)
  })
}

/** Waits until this has not changed for a second. */
async function settled (value: () => number): Promise<void> {
  for (let before = -1; before !== value();) {
    before = value()
    await delay(1_000)
  }
}

for (const size of SIZES) {
  t.test(`of chunks of ${size} characters`, { timeout: 300_000 }, async t => {
    const upstream = await scriptedUpstream(t)
    let taken = 0
    const offer = async (response: ServerResponse, bytes: number) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const chunk = `data: ${JSON.stringify(text('x'.repeat(size)))}\n\n`
      response.write(`data: ${JSON.stringify(role())}\n\n`)
      for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
        taken += chunk.length
        if (!response.write(chunk)) await room(response)
      }
      response.end(`data: ${JSON.stringify(finish('stop'))}\n\n${DONE}`)
    }
    upstream.otherwise = async (response, request) => await offer(response, request.text.includes('much') ? OFFERED : 20_000)
    const gateway = await startGateway(t, { DATA_DIR: 'memory://', ...openaiAt(upstream) })
    const stream = async () => await (await chat(gateway.url, { ...HELLO, stream: true })).text()
    const alone = await stream()
    for (let n = 0; n < 200; n++) await stream() // so that what is needed once is there

    const before = await memory(gateway)
    const takenBefore = taken
    const clients: Socket[] = []
    t.teardown(() => { for (const client of clients) client.destroy() })
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'much' }], stream: true })
    for (let n = 0; n < CLIENTS; n++) {
      const client = connect(Number(new URL(gateway.url).port), '127.0.0.1')
      client.on('error', () => {})
      client.pause()
      client.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
      clients.push(client)
    }
    await upstream.request(201 + CLIENTS)
    await settled(() => taken)
    const each = ((await memory(gateway)) - before) / CLIENTS
    const takenEach = (taken - takenBefore) / CLIENTS
    t.comment(`${CLIENTS} clients: ${Math.round(each / 1024)} KiB of memory each; ${Math.round(takenEach / 1024)} KiB of ${OFFERED / 1024} left the upstream for each`)
    if (size === SIZES[0]) t.ok(each <= MOST, `${Math.round(each / 1024)} KiB each`)
    t.ok(takenEach < OFFERED, 'the upstream is not read for them: what has left it waits in the kernel')
    t.equal(await stream(), alone, 'a stream beside them is as ever')
  })
}
