/**
 * A whole (not streamed) answer that breaks, in each wire protocol and each of the clients' dialects: the caller gets
 * another target's, or an error; never a part of it under status 200.
 */
import t from 'tap'
import { until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { DIALECTS } from './dialects.ts'
import type { Seen } from './dialects.ts'
import { EVERY_BYTE, FIRST, FROM_SECOND, PROTOCOLS, cutsOf, faultyTargets, isAs } from './faulty-targets.ts'
import type { Case, Expected, Layout, Protocol } from './faulty-targets.ts'

const lab = await faultyTargets(t)
let cases = 0

/** Of each protocol, measured before anything else is under way. */
const layouts = await layoutsOf(false)
const closing = await layoutsOf(true)

async function layoutsOf (untilClose: boolean): Promise<ReadonlyArray<{ readonly protocol: Protocol, readonly layout: Layout }>> {
  return await Promise.all(PROTOCOLS.map(async protocol => ({ protocol, layout: await lab.layoutOf({ protocol, stream: false, untilClose }) })))
}

function cutting (kind: 'reset' | 'half_close' | 'blackhole', count: number, untilClose = false): Case[] {
  return (untilClose ? closing : layouts).flatMap(({ protocol, layout }) => {
    return cutsOf(layout, count).map((after, at): Case => ({ dialect: DIALECTS[at % DIALECTS.length] ?? 'chat', protocol, stream: false, untilClose, fault: { kind, after } }))
  })
}

function unlike (seen: Seen, want: Expected): string | undefined {
  cases++
  return isAs(seen, want) ? undefined : `wanted ${JSON.stringify(want)}`
}

// Those that wait for silence leave the machine to the others.
t.jobs = 2

t.test('silence ends with the request\'s time, in an error', { timeout: 600_000 }, async t => {
  t.same(await lab.run(cutting('blackhole', share(10, EVERY_BYTE)), ({ status, ending }) => {
    cases++
    return status === 504 && ending === 'error' ? undefined : 'wanted 504'
  }), [])
  for (const protocol of PROTOCOLS) await until('every silent connection is given up', () => lab.proxies[protocol].silent === 0)
})

for (const kind of ['reset', 'half_close'] as const) {
  t.test(`${kind} anywhere: the next target's answer`, { timeout: 600_000 }, async t => {
    t.same(await lab.run(cutting(kind, share(30, EVERY_BYTE)), seen => unlike(seen, FROM_SECOND)), [])
  })
}

t.test('an end that looks like one: in order, of a body without a length', { timeout: 600_000 }, async t => {
  t.same(await lab.run(cutting('half_close', share(30, EVERY_BYTE), true), seen => unlike(seen, FROM_SECOND)), [])
})

t.test('a trickle is a whole answer', { timeout: 600_000 }, async t => {
  const trickles = PROTOCOLS.flatMap(protocol => DIALECTS.flatMap(dialect => [1, 7, 61].map((bytes): Case => ({ dialect, protocol, stream: false, fault: { kind: 'trickle', bytes, everyMs: 0 } }))))
  t.same(await lab.run(trickles, (seen, { protocol }) => unlike(seen, { target: protocol, attempts: '1', text: FIRST, ending: 'complete' })), [])
})

t.test('nothing of it was a defect of the gateway', { buffered: false }, async t => {
  t.comment(`${cases} answers`)
  t.same(lab.gateway.logs.filter(({ level }) => typeof level === 'number' && level >= 50), [])
  t.same(lab.gateway.errors, [])
})
