/** How often to look whether the process is idle, in ms. */
const LOOK_EVERY_MS = 1000
/** The share of that time that the event loop may have been at work. */
const IDLE = 0.02

/**
 * Once the process is idle, gives back to the system what only its start needed: the garbage of compiling a thousand
 * files, and the young generation that V8 had it grow into, together a third of its memory. V8 by itself would keep it for
 * ever in a process that is asked nothing, and grows it again as a load wants.
 *
 * Nothing else runs for the 40 to 90 ms of the collection; therefore not at the start, which it would prolong, and not in a
 * process that has something to do. Where Node has no inspector, nothing happens. Holds no process alive.
 */
export function releaseStartMemory (): void {
  let last = performance.eventLoopUtilization()
  const timer = setTimeout(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    if (utilization < IDLE) void collectGarbage()
    else timer.refresh()
  }, LOOK_EVERY_MS)
  timer.unref()
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
