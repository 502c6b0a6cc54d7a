import type { Measurement, StartMeasurement } from './measurement.ts'
import type { Figure } from './statistics.ts'

/** The figures of the report; README.md says what each means. */

const MICROSECONDS = 1e6
const KIB_PER_MIB = 1024

const cpuSeconds = ({ watched }: Measurement): number | undefined => watched['target']?.cpuSeconds
const per = (total: number | undefined, count: number): number | undefined => total === undefined || count === 0 ? undefined : total / count

export const CPU_PER_CHUNK: Figure = { title: 'CPU µs/chunk', unit: 'µs', digits: 2, of: one => per(times(cpuSeconds(one)), one.chunks) }
export const CPU_PER_REQUEST: Figure = { title: 'CPU µs/request', unit: 'µs', digits: 1, of: one => per(times(cpuSeconds(one)), one.requests) }
export const CHUNKS_PER_SECOND: Figure = { title: 'chunks/s', unit: '/s', digits: 0, of: one => one.chunks / one.seconds }
export const REQUESTS_PER_SECOND: Figure = { title: 'requests/s', unit: '/s', digits: 0, of: one => one.requests / one.seconds }
export const CORES: Figure = { title: 'cores', unit: '', digits: 2, of: one => per(cpuSeconds(one), one.seconds) }
export const FIRST_P50: Figure = { title: 'first chunk ms p50', unit: 'ms', digits: 2, of: one => one.firstMs?.p50 }
export const FIRST_P99: Figure = { title: 'p99', unit: 'ms', digits: 1, of: one => one.firstMs?.p99 }
export const LATENCY_P50: Figure = { title: 'chunk latency ms p50', unit: 'ms', digits: 2, of: one => one.latencyMs?.p50 }
export const LATENCY_P99: Figure = { title: 'p99', unit: 'ms', digits: 1, of: one => one.latencyMs?.p99 }
export const TOTAL_P50: Figure = { title: 'request ms p50', unit: 'ms', digits: 2, of: one => one.totalMs?.p50 }
export const TOTAL_P99: Figure = { title: 'p99', unit: 'ms', digits: 1, of: one => one.totalMs?.p99 }
export const RSS: Figure = { title: 'RSS MiB', unit: 'MiB', digits: 0, of: ({ watched }) => mib(watched['target']?.rssKib) }
export const READY: Figure = { title: 'ready after ms', unit: 'ms', digits: 0, of: one => one.watched['target'] === undefined ? undefined : one.startMs }
export const PSS_BEFORE: Figure = { title: 'PSS before MiB', unit: 'MiB', digits: 0, of: ({ watched }) => mib(watched['target']?.pssBeforeKib) }
export const PSS_LEAST: Figure = { title: 'PSS collected MiB', unit: 'MiB', digits: 0, of: ({ watched }) => mib(watched['target']?.pssLeastKib) }
export const PSS_OPEN: Figure = { title: 'PSS as it is MiB', unit: 'MiB', digits: 0, of: ({ watched }) => mib(watched['target']?.pssKib) }
export const MEMORY_PER_STREAM: Figure = { title: 'KiB/stream', unit: 'KiB', digits: 1, of: memoryPerStream }

export const WARM_START: Figure<StartMeasurement> = { title: 'ready after ms', unit: 'ms', digits: 0, of: ({ warm }) => warm.ms }
export const WARM_START_CPU: Figure<StartMeasurement> = { title: 'CPU ms', unit: 'ms', digits: 0, of: ({ warm }) => warm.cpuMs }
export const COLD_START: Figure<StartMeasurement> = { title: 'ready after ms, nothing compiled', unit: 'ms', digits: 0, of: ({ cold }) => cold.ms }
export const COLD_START_CPU: Figure<StartMeasurement> = { title: 'CPU ms', unit: 'ms', digits: 0, of: ({ cold }) => cold.cpuMs }
export const IDLE_RSS: Figure<StartMeasurement> = { title: 'idle RSS MiB', unit: 'MiB', digits: 0, of: ({ rssKib }) => mib(rssKib) }

function memoryPerStream ({ watched, connections }: Measurement): number | undefined {
  const target = watched['target']
  if (target?.pssLeastKib === undefined || target.pssBeforeKib === undefined || target.samples === 0) return undefined
  return (target.pssLeastKib - target.pssBeforeKib) / connections
}

function times (seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * MICROSECONDS
}

function mib (kib: number | undefined): number | undefined {
  return kib === undefined ? undefined : kib / KIB_PER_MIB
}
