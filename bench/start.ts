import { mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { LOAD_CORE, TARGET_CORE } from './machine.ts'
import type { Started, StartMeasurement } from './measurement.ts'
import type { Rig, Subject } from './rig.ts'
import type { Target } from './target.ts'

/** How long a process is left alone before its memory is read, in ms. */
const IDLE_MS = 5000

/**
 * Starts a target three times on one database: once for what only the very first start has to do, once with nothing compiled
 * beforehand, and once with what that one has left. There is no load, so each has both cores.
 * @throws {Error} one of them did not start
 */
export async function measureStart (rig: Rig, target: Target, round: number): Promise<StartMeasurement> {
  const at = new Date().toISOString()
  const site = await rig.site(target)
  /** With a folder for temporary files of its own, where Node keeps what it has compiled. */
  const start = async (name: string): Promise<Subject> => {
    const TMPDIR = `${site.folder}/${name}`
    await mkdir(TMPDIR, { recursive: true })
    return await site.start({ core: `${TARGET_CORE},${LOAD_CORE}`, adapt: launch => ({ ...launch, env: { ...launch.env, TMPDIR } }) })
  }
  try {
    await (await start('first')).stop('SIGTERM')
    const coldSubject = await start('kept')
    const cold = startedOf(coldSubject)
    await coldSubject.stop('SIGTERM') // Node writes what it has compiled when it exits
    const warmSubject = await start('kept')
    const warm = startedOf(warmSubject)
    await delay(IDLE_MS)
    const rssKib = warmSubject.residentKib()
    await warmSubject.stop()
    return { kind: 'start', at, round, target: target.name, cold, warm, rssKib }
  } finally {
    await site.clear()
  }
}

function startedOf ({ startMs, startCpuMs }: Subject): Started {
  return { ms: startMs, cpuMs: startCpuMs }
}
