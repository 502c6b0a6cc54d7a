/**
 * The short form of `npm run soak`: streams that begin and end all the time, some cut and joined again, some left; each frame is
 * checked, and what is alive in the process does not grow.
 */
import t from 'tap'
import { setTimeout as delay } from 'node:timers/promises'
import { scrambled } from '../../bench/soak/answers.ts'
import { SoakClients } from '../../bench/soak/clients.ts'
import { startUpstream } from '../../bench/soak/upstream.ts'
import { startGateway } from '../support/gateway-process.ts'
import { LIVE_MEMORY, liveMemory } from '../support/live-memory.ts'
import { testDatabase } from '../support/postgres.ts'

const STREAMS = 200
/** Streams that have ended until all code has run and all pools are full, and from then on. */
const WARM_UP = 400
const MEASURED = 1_000
/** What a stream may leave behind, in bytes; far below the least that one holds while it is open. */
const LEFT_BEHIND = 2 * 1024
const CONDUCTS = ['reads', 'reads_resumable', 'rejoins', 'leaves'] as const

t.test(`${STREAMS} streams at any time`, { timeout: 300_000 }, async t => {
  const upstream = await startUpstream()
  t.teardown(async () => await upstream.close())
  const gateway = await startGateway(t, {
    DATABASE_URL: await testDatabase(t),
    OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1`,
    OPENAI_API_KEY: 'key',
    OPENAI_MODEL: 'soak',
    FIRST_TOKEN_TIMEOUT_MS: '60000',
    IDLE_TIMEOUT_MS: '60000',
    MAX_EVENT_LOOP_DELAY_MS: '0',
    ...LIVE_MEMORY
  })
  const clients = new SoakClients({ url: gateway.url, streams: STREAMS, plan: seed => ({ seed, texts: 5 + scrambled(seed) % 60, gapMs: 20 + scrambled(seed + 1) % 60 }) })
  const ended = () => CONDUCTS.reduce((sum, conduct) => sum + clients.tally.ended[conduct], 0)
  const untilEnded = async (count: number) => {
    while (ended() < count && clients.tally.faultCount === 0) await delay(50)
  }
  await clients.start(1_000)
  await untilEnded(WARM_UP)
  const before = await liveMemory(gateway)
  const endedBefore = ended()
  await untilEnded(endedBefore + MEASURED)
  const grown = await liveMemory(gateway) - before
  const endedMeanwhile = ended() - endedBefore
  const tally = await clients.finish()
  t.comment(`${tally.frames} frames of ${ended()} streams, joined again ${tally.rejoined} times; what is alive has grown by ${Math.round(grown / 1024)} KiB while ${endedMeanwhile} streams ended`)
  t.same(tally.faults, [], 'no frame is lost, doubled or changed')
  for (const conduct of CONDUCTS) t.ok(tally.ended[conduct] > 0, conduct)
  t.ok(grown < endedMeanwhile * LEFT_BEHIND, `${Math.round(grown / endedMeanwhile)} bytes a stream`)
  t.same(await gateway.stop(), { code: 0, signal: null })
  t.equal(upstream.open(), 0)
})
