/**
 * Loaded into a process on Node before its own code. Ends it at SIGTERM at once, so that its profile is written. At SIGUSR2
 * it collects all garbage and gives the memory back (with `--expose-gc`); or, if `BENCH_HEAP_PROFILE` names a file, begins to sample what is
 * allocated.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'

/** One sample for this many bytes. */
const SAMPLING_BYTES = 32_768

process.on('SIGTERM', () => process.exit(0))

const file = process.env['BENCH_HEAP_PROFILE']
if (file === undefined) collectOnSignal()
else sampleFromSignalOn(file)

function collectOnSignal (): void {
  process.on('SIGUSR2', () => {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  })
}

function sampleFromSignalOn (file: string): void {
  const session = new Session()
  session.connect()
  process.on('SIGUSR2', () => {
    session.post('HeapProfiler.startSampling', {
      samplingInterval: SAMPLING_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true
    })
  })
  process.on('exit', () => {
    session.post('HeapProfiler.stopSampling', (_, { profile }) => writeFileSync(file, JSON.stringify(profile)))
  })
}
