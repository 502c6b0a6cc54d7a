/**
 * Loaded into the gateway's process before its own code: says, when its parent asks, how the process is. The channel to the
 * parent holds it no longer than it wants to live.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How a process is. Memory in bytes; times in ms, of what has been since the last time it was asked. */
export interface Vitals {
  readonly rss: number
  readonly heapUsed: number
  readonly heapTotal: number
  readonly external: number
  readonly arrayBuffers: number
  /** The event loop's lateness. */
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  /** What holds the event loop: sockets, servers, timers. */
  readonly handles: number
}

if (process.send !== undefined) {
  const NS_PER_MS = 1e6
  /** How often it looks, in ms: so much of each value is no lateness. */
  const RESOLUTION_MS = 10
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  process.on('message', () => {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage()
    const vitals: Vitals = {
      rss,
      heapUsed,
      heapTotal,
      external,
      arrayBuffers,
      loopP99Ms: delays.percentile(99) / NS_PER_MS - RESOLUTION_MS,
      loopMaxMs: delays.max / NS_PER_MS - RESOLUTION_MS,
      handles: process.getActiveResourcesInfo().length
    }
    delays.reset()
    process.send?.(vitals)
  })
  process.channel?.unref()
}
