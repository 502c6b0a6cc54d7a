/**
 * A soak: so many streams open at any time on one process of the gateway with a real PostgreSQL, each frame checked, streams
 * that end and begin all the time, some of them cut and joined again, some left. Then: no frame lost, and the memory of the last
 * minute within 5 % of the memory of the fifth. Exit code 1 where it is not so.
 *
 *     npm run soak -- --streams 2000 --minutes 30 --out bench/SOAK.md
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, openDatabaseServer } from './database.ts'
import { scrambled } from './soak/answers.ts'
import type { AnswerPlan } from './soak/answers.ts'
import { SoakClients } from './soak/clients.ts'
import { report } from './soak/report.ts'
import type { Sample } from './soak/report.ts'
import { startUpstream } from './soak/upstream.ts'
import type { Vitals } from './soak/vitals.ts'

const SERVER = fileURLToPath(new URL('../server.ts', import.meta.url))
const VITALS = new URL('./soak/vitals.ts', import.meta.url).href
const SAMPLE_EVERY_MS = 5_000
/** The streams are opened over so long, so that they do not all end together. */
const RAMP_MS = 30_000
/** A gap lies between these, in ms. */
const [LEAST_GAP_MS, MOST_GAP_MS] = [500, 1_000]

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '2000' },
    minutes: { type: 'string', default: '30' },
    out: { type: 'string' }
  }
})
const streams = Number(values.streams)
const minutes = Number(values.minutes)

/** Short answers of some ten seconds and long ones of up to two minutes and a half, mixed. */
function plan (seed: number): AnswerPlan {
  const length = scrambled(seed)
  return {
    seed,
    texts: length % 10 < 6 ? 5 + length % 20 : 60 + length % 120,
    gapMs: LEAST_GAP_MS + scrambled(seed + 1) % (MOST_GAP_MS - LEAST_GAP_MS)
  }
}

async function vitalsOf (gateway: ChildProcess): Promise<Vitals> {
  const answered = once(gateway, 'message')
  gateway.send('vitals')
  const [vitals] = await answered
  return vitals
}

const database = await openDatabaseServer()
const upstream = await startUpstream()
const port = await freePort()
const databaseUrl = await database.create(`soak_${process.pid}`)
const gateway = fork(SERVER, {
  cwd: await mkdtemp(join(tmpdir(), 'llm-gateway-soak-')),
  execArgv: ['--import', VITALS],
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  env: {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1`,
    OPENAI_API_KEY: 'none',
    OPENAI_MODEL: 'soak'
  }
})
process.on('exit', () => gateway.kill('SIGKILL'))
const url = `http://127.0.0.1:${port}`
while (!await fetch(`${url}/readyz`).then(response => response.ok, () => false)) await delay(50)

const clients = new SoakClients({ url, streams, plan })
const begun = performance.now()
const samples: Sample[] = []
const starting = clients.start(RAMP_MS)
while (performance.now() - begun < minutes * 60_000) {
  await delay(SAMPLE_EVERY_MS)
  const vitals = await vitalsOf(gateway)
  const sample: Sample = { minute: (performance.now() - begun) / 60_000, open: clients.open, frames: clients.tally.frames, load: loadavg()[0] ?? 0, ...vitals }
  samples.push(sample)
  console.log(`${sample.minute.toFixed(1)} min: ${sample.open} open, ${Math.round(sample.rss / 2 ** 20)} MiB resident, heap ${Math.round(sample.heapUsed / 2 ** 20)} MiB, loop p99 ${sample.loopP99Ms.toFixed(1)} ms, buffers ${Math.round(sample.arrayBuffers / 2 ** 20)} MiB, ${clients.tally.faultCount} faults ${clients.tally.faults.at(-1) ?? ''}`)
}
await starting
const tally = await clients.finish()
const brokenOff = upstream.broken()
gateway.kill('SIGTERM')
const [code] = await once(gateway, 'exit')
await upstream.close()
await database.drop(`soak_${process.pid}`)
await database.stop()

const { text, passed } = report({ streams, minutes, samples, tally, brokenOff, exitCode: Number(code), machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}` })
console.log(text)
if (values.out !== undefined) await writeFile(values.out, text)
process.exit(passed ? 0 : 1)
