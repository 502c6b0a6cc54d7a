import { readdir } from 'node:fs/promises'
import type { Registry } from './registry.ts'

/**
 * What Prometheus' clients tell of their process, by the names that dashboards know. Costs nothing until it is read.
 * @see https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 */
export function addProcessMetrics (registry: Registry): void {
  const labelNames: never[] = []
  const one = (value: number) => [{ labels: {}, value }]
  registry.reading({
    kind: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'Time on CPUs.',
    labelNames,
    read: () => {
      const { user, system } = process.cpuUsage()
      return one((user + system) / 1e6)
    }
  })
  registry.reading({ kind: 'gauge', name: 'process_start_time_seconds', help: 'When it was started, since 1970.', labelNames, together: 'min', read: () => one(performance.timeOrigin / 1000) })
  registry.reading({ kind: 'gauge', name: 'process_resident_memory_bytes', help: 'Memory that it holds.', labelNames, read: () => one(process.memoryUsage.rss()) })
  registry.reading({ kind: 'gauge', name: 'process_open_fds', help: 'Open file descriptors, sockets among them; Linux only.', labelNames, read: async () => await openFiles() })
  registry.reading({
    kind: 'gauge',
    name: 'nodejs_heap_size_used_bytes',
    help: 'Of V8\'s heap, what is in use or not yet collected.',
    labelNames,
    read: () => one(process.memoryUsage().heapUsed)
  })
  registry.reading({ kind: 'gauge', name: 'nodejs_version_info', help: 'Node\'s version.', labelNames: ['version'], together: 'max', read: () => [{ labels: { version: process.version }, value: 1 }] })
}

/** No value where the system does not tell. */
async function openFiles (): Promise<Array<{ labels: {}, value: number }>> {
  try {
    return [{ labels: {}, value: (await readdir('/proc/self/fd')).length - 1 }] // one is the folder itself
  } catch {
    return []
  }
}
