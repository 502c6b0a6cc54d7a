/**
 * A streamed answer that breaks, at every frame's end and inside of frames, in each wire protocol and in every way that a
 * connection can break. Before the first output nobody notices; after it the stream ends in an error after what came;
 * and only an answer of which nothing is missing ends as a complete one.
 */
import t from 'tap'
import { until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import type { Seen } from './dialects.ts'
import { EVERY_BYTE, FROM_SECOND, PROTOCOLS, cameOf, cutsOf, expectedOf, faultyTargets, isAs } from './faulty-targets.ts'
import type { Case, Layout, Protocol } from './faulty-targets.ts'

const lab = await faultyTargets(t)
let cases = 0
let attempts = 0

const layouts = new Map<Protocol, Layout>()
const closing = new Map<Protocol, Layout>()
for (const protocol of PROTOCOLS) {
  layouts.set(protocol, await lab.layoutOf({ protocol, stream: true }))
  closing.set(protocol, await lab.layoutOf({ protocol, stream: true, untilClose: true }))
}

const layoutOf = ({ protocol, untilClose = false }: Case): Layout => {
  const layout = (untilClose ? closing : layouts).get(protocol)
  if (layout === undefined) throw new Error(`no layout of ${protocol}`)
  return layout
}

/** A case of each protocol for about so many places of its answer. */
function cutting (kind: 'reset' | 'half_close' | 'blackhole', count: number, untilClose = false): Case[] {
  return PROTOCOLS.flatMap(protocol => {
    const base = { dialect: 'chat', protocol, stream: true, untilClose } as const
    return cutsOf(layoutOf({ ...base, fault: { kind, after: 0 } }), count).map((after): Case => ({ ...base, fault: { kind, after } }))
  })
}

/** @param after how much of the answer comes, where the fault does not say it. */
function judge (seen: Seen, of: Case, after = cameOf(of.fault)): string | undefined {
  cases++
  attempts += Number(seen.attempts)
  const want = expectedOf(of.protocol, after, layoutOf(of))
  return isAs(seen, want) ? undefined : `wanted ${JSON.stringify(want)}`
}

const frames = PROTOCOLS.map(protocol => `${layouts.get(protocol)?.frames.length ?? 0} of ${protocol}`).join(', ')

// Those that wait for silence leave the machine to the others.
t.jobs = 2

t.test('silence at the end of every frame, and inside of them', { timeout: 600_000 }, async t => {
  let early = 0
  const silent = cutting('blackhole', share(5, EVERY_BYTE))
  t.same(await lab.run(silent, (seen, of) => {
    const wrong = judge(seen, of)
    // A machine that is too busy for the first output in time sees the second target's answer.
    if (wrong === undefined || !isAs(seen, FROM_SECOND)) return wrong
    early++
    return undefined
  }), [])
  t.ok(early < silent.length / 2, `${early} answers did not begin in time`)
  for (const protocol of PROTOCOLS) await until('every silent connection is given up', () => lab.proxies[protocol].silent === 0)
})

for (const kind of ['reset', 'half_close'] as const) {
  t.test(`${kind} at the end of every frame (${frames}), and inside of them`, { timeout: 600_000 }, async t => {
    t.same(await lab.run(cutting(kind, share(50, EVERY_BYTE)), judge), [])
  })
}

t.test('an end that looks like one: in order, of a body without a length', { timeout: 600_000 }, async t => {
  t.same(await lab.run(cutting('half_close', share(20, EVERY_BYTE), true), judge), [])
})

t.test('a trickle is a whole answer, as long as it is not too slow for any output', { timeout: 600_000 }, async t => {
  const trickles = PROTOCOLS.flatMap(protocol => [1, 2, 3, 5, 7, 16, 61].map((bytes): Case => ({ dialect: 'chat', protocol, stream: true, fault: { kind: 'trickle', bytes, everyMs: 0 } })))
  t.same(await lab.run(trickles, (seen, of) => judge(seen, of)), [])
  const slow = PROTOCOLS.map((protocol): Case => ({ dialect: 'chat', protocol, stream: true, fault: { kind: 'trickle', bytes: 1, everyMs: 200 } }))
  t.same(await lab.run(slow, (seen, of) => judge(seen, of, 0)), [])
})

t.test('nothing of it was a defect of the gateway', { buffered: false }, async t => {
  t.comment(`${cases} streams, ${attempts} attempts`)
  t.same(lab.gateway.logs.filter(({ level }) => typeof level === 'number' && level >= 50), [])
  t.same(lab.gateway.errors, [])
})
