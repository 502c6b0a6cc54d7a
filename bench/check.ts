/**
 * Proves that wrong answers are noticed: the fake upstream gives some on purpose, straight to the load generator and
 * through the gateway in each dialect, and every one of them must come out as a fault. Right answers must come out right.
 *
 *     node bench/check.ts
 */
import { faultCount } from './measurement.ts'
import type { LoadReport } from './measurement.ts'
import { Rig } from './rig.ts'
import type { Subject } from './rig.ts'
import type { Scenario } from './scenarios.ts'
import { TARGETS } from './targets.ts'

const RIGHT = ['n100', 'n10-d5', 'n9-z2000', 'n1']
/** By what is wrong; `trips` if a gateway's breaker may open on it, so that nothing after it would be put to the test. */
const WRONG: Readonly<Record<string, { readonly spec: string, readonly trips?: boolean }>> = {
  'a lost chunk': { spec: 'n10-l4' },
  'the last chunk lost': { spec: 'n10-l9' },
  'a doubled chunk': { spec: 'n10-t4' },
  'two chunks in the wrong order': { spec: 'n10-o4' },
  'a wrong byte in a text': { spec: 'n10-c4' },
  'an answer that was given before': { spec: 'n10-a1' },
  'a cut connection': { spec: 'n10-x5', trips: true },
  'an end without the closing events': { spec: 'n10-f1', trips: true },
  'an error status': { spec: 'n10-s500', trips: true }
}
const ANSWERS = 6
/** Few enough that no breaker opens among them. */
const TRIPPING_ANSWERS = 2

const scenario = (spec: string, streamed: boolean): Scenario => ({
  name: 'check', title: 'check', spec, streamed, connections: 2, rampSeconds: 0, warmSeconds: 0, seconds: 0, once: true
})

/**
 * Checks a target.
 * @param start gives a process of it
 * @returns what should have been noticed and was not, or was seen where nothing was; and how many kinds were noticed
 */
export async function check (start: () => Promise<Subject>): Promise<{ missed: string[], caught: number }> {
  const missed: string[] = []
  let caught = 0
  let subject = await start()
  for (const spec of RIGHT) {
    for (const streamed of spec === 'n1' ? [true, false] : [true]) {
      const { faults } = await subject.load(scenario(spec, streamed))
      if (Object.keys(faults).length > 0) missed.push(`${spec}: right answers were refused: ${JSON.stringify(faults)}`)
    }
  }
  for (const [what, { spec, trips = false }] of Object.entries(WRONG)) {
    const answers = trips ? TRIPPING_ANSWERS : ANSWERS
    const { faults } = await subject.load({ ...scenario(spec, true), connections: answers })
    // Of answers that came twice, the first one is right.
    const wanted = spec.includes('-a') ? answers - 1 : answers
    const noticed = faultCount({ faults: spec.includes('-s') ? faults : withoutRefusals(faults) })
    if (noticed < wanted) missed.push(`${what} (${spec}): ${noticed} of ${wanted} noticed, ${JSON.stringify(faults)}`)
    else caught++
    if (trips && subject.target.launch !== undefined) {
      await subject.stop()
      subject = await start()
    }
  }
  await subject.stop()
  return { missed, caught }
}

/** A breaker that is open refuses with a status: then nothing was put to the test. */
function withoutRefusals (faults: LoadReport['faults']): LoadReport['faults'] {
  return Object.fromEntries(Object.entries(faults).filter(([name]) => !name.startsWith('status')))
}

if (import.meta.main) {
  const rig = await Rig.open()
  try {
    for (const target of TARGETS.filter(({ name }) => name === 'direct' || name.startsWith('gateway'))) {
      const { missed, caught } = await check(() => rig.start(target))
      console.log(`${target.name}: ${caught} of ${Object.keys(WRONG).length} kinds of wrong answers noticed`)
      for (const line of missed) console.log(`  ${line}`)
      if (missed.length > 0) process.exitCode = 1
    }
  } finally {
    await rig.close()
  }
}
