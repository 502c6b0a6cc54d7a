import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry } from './registry.ts'

/** How often the delay is measured, in ms: a timer of the loop's own, without JavaScript. It is what an idle process does most, so not more often. */
const RESOLUTION_MS = 50

/**
 * How late the event loop is, and how busy: of this process, since it was read last.
 * @see https://nodejs.org/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions
 */
export class EventLoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #utilization = performance.eventLoopUtilization()

  constructor (registry: Registry) {
    this.#delays.enable()
    registry.reading({
      kind: 'gauge',
      name: 'llm_gateway_event_loop_delay_seconds',
      help: 'How late the event loop came to its timers since the last scrape; of several workers the worst.',
      labelNames: ['stat'],
      together: 'max',
      read: () => {
        const delays = this.#delays
        const readings = [
          { labels: { stat: 'p50' }, value: seconds(delays.percentile(50)) },
          { labels: { stat: 'p99' }, value: seconds(delays.percentile(99)) },
          { labels: { stat: 'max' }, value: seconds(delays.max) }
        ]
        // Of nothing there is no percentile; then nothing was late.
        const { count } = delays
        // With it Node forgets when it measured last, so what is late within the next 50 ms is not seen.
        delays.reset()
        return count === 0 ? readings.map(({ labels }) => ({ labels, value: 0 })) : readings
      }
    })
    registry.reading({
      kind: 'gauge',
      name: 'llm_gateway_event_loop_utilization_ratio',
      help: 'The share of the time since the last scrape that the event loop was at work; of several workers the busiest.',
      labelNames: [],
      together: 'max',
      read: () => {
        const now = performance.eventLoopUtilization()
        const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
        this.#utilization = now
        return [{ labels: {}, value: utilization }]
      }
    })
  }

  close (): void {
    this.#delays.disable()
  }
}

/** Node notes the whole time from one measurement to the next. */
function seconds (ns: number): number {
  return Math.max(0, ns / 1e6 - RESOLUTION_MS) / 1000
}
