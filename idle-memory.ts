/** How often to look whether the process is idle, in ms. */
const LOOK_EVERY_MS = 1000
/** The share of that time that the event loop may have been at work. */
const IDLE = 0.02
/** How much resident memory has to have grown since the last time, in bytes. */
const WORTHWHILE = 64 * 2 ** 20

/**
 * Gives back to the system what the process does not need any more, each time that it has become idle after work: at first
 * the garbage of its start, of compiling a thousand files, a third of its memory; later that of a load, and the young
 * generation that V8 had it grow into, together some hundred MiB. V8 by itself does so only if it happens to have collected
 * its old generation shortly before; else it keeps all that for ever in a process that is asked nothing, or whose clients
 * do not read, and grows it again as a load wants.
 *
 * Nothing else runs for the 40 to 150 ms of the collection; therefore not at the start, which it would prolong, not in a
 * process that has something to do, and not again before resident memory has grown by 64 MiB. Where Node has no inspector,
 * nothing happens. Holds no process alive.
 */
export function releaseIdleMemory (): void {
  let last = performance.eventLoopUtilization()
  // What it was at the least since it was given back, so that what grows slowly counts, too.
  let least = 0
  const timer = setTimeout(() => { void look().then(() => timer.refresh()) }, LOOK_EVERY_MS)
  timer.unref()

  async function look (): Promise<void> {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    if (utilization >= IDLE) return
    const resident = process.memoryUsage.rss()
    if (resident < least + WORTHWHILE) {
      least = Math.min(least, resident)
      return
    }
    await collectGarbage()
    least = process.memoryUsage.rss()
    last = performance.eventLoopUtilization() // the collection was no work
  }
}

/**
 * Collects all that is not used, as far as V8 can; never rejects.
 * @see https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/#method-collectGarbage
 */
async function collectGarbage (): Promise<void> {
  try {
    const { Session } = await import('node:inspector/promises')
    const session = new Session()
    session.connect()
    await session.post('HeapProfiler.collectGarbage')
    session.disconnect()
  } catch {} // an economy, and no more
}
