import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import { getCompileCacheDir } from 'node:module'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { openPgliteOwner } from '../db/pglite-owner.ts'
import { merged } from '../metrics/merged.ts'
import { addProcessMetrics } from '../metrics/process-metrics.ts'
import { Registry } from '../metrics/registry.ts'
import { Fleet } from './fleet.ts'
import type { FleetEvent } from './fleet.ts'
import { FleetMetrics } from './fleet-metrics.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/**
 * The process that owns the port, the workers and, without DATABASE_URL, the embedded database. It answers no request
 * itself: Node's cluster module hands each connection to the next worker.
 */

/** Built, it is JavaScript like this file. */
const WORKER = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url))

/**
 * Runs the workers until the process is told to end, and ends it: with 0 when all of them drained, with 1 when none could
 * be started, when one broke off, or at once on a second signal.
 * @throws DatabaseUnavailableError the embedded database cannot be opened; no worker was started
 */
export async function runWorkers ({ config, log }: Pick<FastifyInstance, 'config' | 'log'>): Promise<never> {
  const { url, dataDir } = config.database
  const pglite = url !== undefined
    ? undefined
    : await openPgliteOwner(dataDir, error => log.error({ error: error instanceof Error ? error.name : undefined }, 'the embedded database broke down: breakers decide alone, and nothing is stored'))
  let stopping = false

  const attend = (worker: Worker): Worker => {
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'hello':
          metrics.joined(worker)
          tell(worker, stopping ? { kind: 'drain' } : { kind: 'start', config })
          break
        case 'statement':
          void pglite?.ask(message.statement).then(answer => tell(worker, { kind: 'answer', id: message.id, answer }))
          break
        case 'measured':
          metrics.measured(worker, message.families)
          break
        case 'collect':
          void collect().then(families => tell(worker, { kind: 'collected', families }))
      }
    })
    worker.on('listening', () => fleet.serves(worker))
    worker.on('exit', (code: number | null, signal: string | null) => {
      metrics.ended(worker)
      fleet.ended(worker, { code, signal })
    })
    worker.on('error', () => {
      // It could not even be spawned, so there will be no `exit`.
      if (worker.process.pid === undefined) fleet.ended(worker, { code: null, signal: null })
    })
    return worker
  }
  const fleet = new Fleet<Worker>({
    size: config.workers,
    fork: () => attend(cluster.fork(compileCache())),
    drain: worker => tell(worker, { kind: 'drain' }),
    now: () => performance.now(),
    schedule,
    onEvent: event => logEvent(log, event)
  })
  const metrics = new FleetMetrics<Worker>({ ask: worker => tell(worker, { kind: 'measure' }), schedule })
  const own = new Registry()
  addProcessMetrics(own)
  const collect = async () => merged([await own.collect(), await metrics.collect()])

  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      for (const worker of fleet.workers) worker.process.kill('SIGKILL')
      process.exit(1)
    }
    stopping = true
    log.info({ signal, workers: fleet.workers.length }, 'shutting down')
    fleet.drain()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)

  cluster.setupPrimary({ exec: WORKER, args: [], serialization: 'advanced' }) // rows and dates pass as they are
  fleet.start()
  const code = await fleet.over
  await pglite?.close()
  process.exit(code)
}

/** Workers find what the primary has compiled, as they do not inherit its cache by themselves. */
function compileCache (): Record<string, string> {
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) } // it is in a folder for each version of Node
}

function schedule (ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}

function tell (worker: Worker, message: ToWorker): void {
  worker.send(message, () => {}) // one that is gone hears nothing; `exit` says that it is gone
}

function logEvent (log: FastifyInstance['log'], event: FleetEvent<Worker>): void {
  const fields = { worker: event.worker.process.pid, ...event.exit }
  if (event.kind === 'gave_up') log.error(fields, 'worker ended before it served: giving up')
  else log.error({ ...fields, served: event.served, nextInMs: event.nextInMs }, 'worker ended: another takes its place')
}
