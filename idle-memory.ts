import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How often to look how busy the process is, in ms. */
const LOOK_EVERY_MS = 1000
/** The share of that time that the event loop is at work: above it under load, below it idle. */
const LOAD = 0.5
const IDLE = 0.1
/**
 * How many looks in a row have to have found it idle until a load counts as over. A pause between two loads is none: what is given back
 * in it has to be asked for again, and what was compiled for the load may go, too.
 */
const IDLE_LOOKS = 10
/** How much resident memory has to have grown since the last time, in bytes. */
const WORTHWHILE = 32 * 2 ** 20

/**
 * Gives back to the system what the process needs no more, each time that a load is over: at first the garbage of its start,
 * of compiling a thousand files, a third of its memory; later up to some hundred MiB, half of them the young generation that
 * V8 had it grow into. V8 does that by itself, in small steps, some seconds after it has collected its old generation, and
 * then again as long as it finds something. But it only collects that when it allocates: in a process that is asked nothing any
 * more, or whose clients do not read, all stays as it is for ever. So the first step is done here; after the start, all of them.
 *
 * Nothing else runs for the 50 to 120 ms of the collection; therefore not in a process that has something to do, and of one that has
 * a little to do all the time not before there was a load again, and memory has grown by 32 MiB. Holds no process alive.
 * @see https://github.com/v8/v8/blob/main/src/heap/memory-reducer.h
 */
export function releaseIdleMemory (): void {
  let last = performance.eventLoopUtilization()
  let hadLoad = true // its start
  let isStart = true
  let idleLooks = 0
  // Resident memory at the least since it was given back, so that what grows slowly counts, too.
  let least = 0
  const timer = setTimeout(() => {
    look()
    timer.refresh()
  }, LOOK_EVERY_MS)
  timer.unref()

  function look (): void {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    hadLoad ||= utilization >= LOAD
    idleLooks = utilization < IDLE ? idleLooks + 1 : 0
    if (idleLooks === 0) return
    const resident = process.memoryUsage.rss()
    least = Math.min(least, resident)
    if (!hadLoad || (!isStart && idleLooks < IDLE_LOOKS)) return
    hadLoad = false
    if (resident < least + WORTHWHILE) return
    collectGarbage(isStart)
    isStart = false
    least = process.memoryUsage.rss()
    last = performance.eventLoopUtilization() // the collection was no load
  }
}

/**
 * Collects the old generation in one go.
 * @param whole again and again, until nothing more is found: several times as long
 * @see https://github.com/v8/v8/blob/main/src/extensions/gc-extension.cc
 */
function collectGarbage (whole: boolean): void {
  setFlagsFromString('--expose-gc') // of contexts that are made from now on
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect === 'function') collect({ type: 'major', flavor: whole ? 'last-resort' : 'regular' })
}
