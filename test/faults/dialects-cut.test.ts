/**
 * What clients of the other dialects see of a streamed answer that breaks: what came of it, and then that dialect's
 * error; no `response.completed` and no `message_stop` ends what is not whole.
 */
import t from 'tap'
import { share } from '../support/nightly.ts'
import { FROM_SECOND, PROTOCOLS, cameOf, cutsOf, expectedOf, faultyTargets, isAs } from './faulty-targets.ts'
import type { Case, Layout } from './faulty-targets.ts'

const lab = await faultyTargets(t)
const layouts: Record<string, Layout> = {}
for (const protocol of PROTOCOLS) layouts[protocol] = await lab.layoutOf({ protocol, stream: true })

// Both wait for silence most of the time.
t.jobs = 2
for (const dialect of ['responses', 'messages'] as const) {
  t.test(dialect, { timeout: 600_000 }, async t => {
    const cases = PROTOCOLS.flatMap(protocol => (['reset', 'half_close', 'blackhole'] as const).flatMap(kind => {
      const layout = layouts[protocol]
      return layout === undefined ? [] : cutsOf(layout, share(4, 200)).map((after): Case => ({ dialect, protocol, stream: true, fault: { kind, after } }))
    }))
    let late = 0
    const endings = new Map<string, number>()
    t.same(await lab.run(cases, (seen, { protocol, fault }) => {
      const layout = layouts[protocol]
      if (layout === undefined) return 'no layout'
      endings.set(seen.ending, (endings.get(seen.ending) ?? 0) + 1)
      const want = expectedOf(protocol, cameOf(fault), layout)
      if (isAs(seen, want)) return undefined
      // A machine that is too busy for the first output in time sees the second target's answer.
      if (fault.kind !== 'blackhole' || !isAs(seen, FROM_SECOND)) return `wanted ${JSON.stringify(want)}`
      late++
      return undefined
    }), [])
    t.comment(`${cases.length} streams`, Object.fromEntries(endings))
    t.comment(`${late} answers did not begin in time`)
    t.ok((endings.get('error') ?? 0) > cases.length / 10 && (endings.get('complete') ?? 0) > cases.length / 10, 'there were some of both')
  })
}
