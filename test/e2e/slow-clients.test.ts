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
import { LIVE_MEMORY, liveMemory } from '../support/live-memory.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { PrometheusText } from '../support/prometheus-text.ts'
import { DONE, finish, role, room, scriptedUpstream, text } from '../support/scripted-upstream.ts'

const CLIENTS = share(20, 500)
/** What is offered to each, in bytes: more than the kernel's buffers take. */
const OFFERED = 24 * 1024 * 1024
/** What each may cost, in bytes. */
const MOST = 256 * 1024

/** The text of each chunk. */
const CONTENTS = {
  'chunks of a token or two': 'x'.repeat(8),
  'chunks of 4,000 characters': 'x'.repeat(4_000),
  'chunks of 4,000 characters of three bytes': '好'.repeat(4_000),
  // One that is larger than what may be queued is taken all the same.
  'chunks of 64 KiB': 'x'.repeat(64 * 1024)
}

/** Nobody is cut or refused as long as it is measured. */
const PATIENT = { SLOW_CLIENT_TIMEOUT_MS: '900000', MAX_EVENT_LOOP_DELAY_MS: '0' }

/** Resident memory of its process, garbage included; in bytes. */
async function resident ({ url }: GatewayProcess): Promise<number> {
  return new PrometheusText(await (await fetch(`${url}/metrics`)).text()).value('process_resident_memory_bytes')
}

/** Waits until this has not changed for a second. */
async function settled (value: () => number): Promise<void> {
  for (let before = -1; before !== value();) {
    before = value()
    await delay(1_000)
  }
}

// Garbage goes some seconds after a load, and in small steps.
t.setTimeout(share(300_000, 900_000))

for (const [name, content] of Object.entries(CONTENTS)) {
  t.test(name, { timeout: 300_000 }, async t => {
    const upstream = await scriptedUpstream(t)
    let taken = 0
    const offer = async (response: ServerResponse, bytes: number) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const chunk = Buffer.from(`data: ${JSON.stringify(text(content))}\n\n`)
      response.write(`data: ${JSON.stringify(role())}\n\n`)
      for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
        taken += chunk.length
        if (!response.write(chunk)) await room(response)
      }
      response.end(`data: ${JSON.stringify(finish('stop'))}\n\n${DONE}`)
    }
    upstream.otherwise = async (response, request) => await offer(response, request.text.includes('much') ? OFFERED : 20_000)
    const gateway = await startGateway(t, { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream), ...LIVE_MEMORY, ...PATIENT })
    const stream = async () => await (await chat(gateway.url, { ...HELLO, stream: true })).text()
    const alone = await stream()
    for (let n = 0; n < 200; n++) await stream() // so that what is needed once is there

    const liveBefore = await liveMemory(gateway)
    const residentBefore = await resident(gateway)
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
    let residentEach = 0
    let looks = share(1, 60)
    do {
      residentEach = (await resident(gateway) - residentBefore) / CLIENTS
      await delay(1_000)
    } while (--looks > 0 && residentEach > MOST)
    const liveEach = (await liveMemory(gateway) - liveBefore) / CLIENTS
    const takenEach = (taken - takenBefore) / CLIENTS
    const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`
    t.comment(`${CLIENTS} clients: ${kib(residentEach)} resident and ${kib(liveEach)} alive for each; ${kib(takenEach)} of ${kib(OFFERED)} left the upstream for each`)
    t.ok(liveEach <= MOST, `${kib(liveEach)} each, without garbage`)
    // Of few clients it cannot be told from garbage.
    if (CLIENTS >= 500) t.ok(residentEach <= MOST, `${kib(residentEach)} each, with garbage`)
    t.ok(takenEach < OFFERED, 'the upstream is not read for them: what has left it waits in the kernel')
    t.equal(await stream(), alone, 'a stream beside them is as ever')
  })
}
