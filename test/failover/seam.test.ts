import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { Seam } from '../../failover/seam.ts'
import type { SeamOptions } from '../../failover/seam.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { chunk } from '../support/scripted-upstream.ts'

const IDENTITY = { id: 'first', created: 1, model: 'one', system_fingerprint: undefined }
const seamOf = (expected: string, change: Partial<SeamOptions> = {}) => new Seam({ expected, reasons: true, identity: IDENTITY, before: undefined, ...change })
const pass = (seam: Seam, body: JsonObject) => seam.pass(JSON.stringify(body))
const divergenceOf = (act: () => void): unknown => {
  try {
    act()
  } catch (error) {
    return error instanceof UpstreamError ? error.reason : error
  }
  return 'none'
}
const contentOf = (body: JsonObject | undefined): string => String(JSON.stringify(body ?? '').match(/"content":("(?:[^"\\]|\\.)*")/)?.[1] ?? '""')

t.test('what was sent is taken out however it is cut; the rest goes on', async () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '"', '\n', '😀', '\ud83d', 'é'), maxLength: 12 }), fc.nat(12), fc.array(fc.nat(12)), (text, sent, cuts) => {
    const seam = seamOf(text.slice(0, sent))
    const ends = [...new Set(cuts.filter(cut => cut < text.length)), text.length].sort((a, b) => a - b)
    let rest = ''
    ends.forEach((end, i) => { rest += String(JSON.parse(contentOf(pass(seam, chunk({ content: text.slice(ends[i - 1] ?? 0, end) }))))) })
    seam.end()
    if (rest !== text.slice(sent)) throw new Error(JSON.stringify(rest))
  }))
})

t.test('what goes on is of the first answer', async t => {
  const seam = seamOf('ab')
  t.equal(pass(seam, { ...chunk({ role: 'assistant', content: '' }), system_fingerprint: 'fp' }), undefined)
  t.equal(pass(seam, chunk({ content: 'ab' })), undefined)
  t.same(pass(seam, { ...chunk({ content: 'c' }), system_fingerprint: 'fp', service_tier: 'default' }), { ...chunk({ content: 'c' }), id: 'first', created: 1, model: 'one', service_tier: 'default' })
  t.same(pass(seam, chunk({}, 'stop')), { ...chunk({}, 'stop'), id: 'first', created: 1, model: 'one' })
})

t.test('a chunk with the seam in it keeps what comes behind, and its end', async t => {
  t.match(pass(seamOf('ab'), chunk({ role: 'assistant', content: 'abc' }, 'length')), { choices: [{ delta: { content: 'c' }, finish_reason: 'length' }] })
  t.match(pass(seamOf('ab'), chunk({ content: 'ab' }, 'stop')), { choices: [{ delta: {}, finish_reason: 'stop' }] })
})

t.test('it diverges at the first character that differs, where it ends too early, and where it does something else', async t => {
  const cases: ReadonlyArray<readonly [string, ...JsonObject[]]> = [
    ['ab', chunk({ content: 'ac' })],
    ['ab', chunk({ content: 'a' }), chunk({ content: 'c' })],
    ['ab', chunk({ content: 'a' }, 'stop')],
    ['ab', chunk({}, 'stop')],
    ['ab', chunk({ tool_calls: [{ index: 0 }] })],
    ['ab', chunk({ content: 'ab', refusal: 'x' })],
    ['ab', { ...chunk({}), choices: [{ index: 1, delta: { content: 'ab' } }] }]
  ]
  cases.forEach(([expected, ...bodies], i) => {
    const seam = seamOf(expected)
    t.equal(divergenceOf(() => bodies.forEach(body => pass(seam, body))), 'diverged', `case ${i}`)
  })
  t.equal(divergenceOf(() => seamOf('a').pass('no JSON')), 'diverged')
  t.equal(divergenceOf(() => seamOf('a').end()), 'diverged')
  t.equal(divergenceOf(() => seamOf('').end()), 'none')
})

t.test('reasoning is dropped before the seam, or is a divergence; behind it it is passed on', async t => {
  const seam = seamOf('a')
  t.equal(pass(seam, chunk({ reasoning_content: 'hm' })), undefined)
  pass(seam, chunk({ content: 'a' }))
  t.match(pass(seam, chunk({ reasoning_content: 'hm' })), { choices: [{ delta: { reasoning_content: 'hm' } }] })
  t.equal(divergenceOf(() => pass(seamOf('', { reasons: false }), chunk({ reasoning_content: 'hm' }))), 'diverged')
})

t.test('counts are added to those before, wherever they stand; chunks of nothing else are dropped', async t => {
  const before = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
  const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 }
  const seam = seamOf('', { before })
  t.match(pass(seam, { ...chunk({ content: 'x' }), usage }), { usage: { prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 } })
  t.match(pass(seam, { ...chunk({}), choices: [], usage }), { choices: [], usage: { total_tokens: 33 } })
  t.equal(pass(seam, { ...chunk({}), choices: [], prompt_filter_results: [] }), undefined)
  t.match(pass(seamOf(''), { ...chunk({}), choices: [], usage }), { usage })
})
