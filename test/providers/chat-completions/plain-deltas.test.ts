import fc from 'fast-check'
import t from 'tap'
import { PlainDeltas } from '../../../providers/chat-completions/plain-deltas.ts'
import { factsOf } from '../../../streams/chunk-facts.ts'
import type { ChunkFacts } from '../../../streams/chunk-facts.ts'

type Extra = { readonly [field: string]: unknown }

const chunk = (content: string, extra: Extra = {}, choice: Extra = {}) =>
  ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null, ...choice }], ...extra })

/** One that has learned from these chunks. */
function taught (...bodies: object[]): PlainDeltas {
  const plain = new PlainDeltas()
  for (const body of bodies) {
    const json = JSON.stringify(body)
    plain.learn(json, JSON.parse(json))
  }
  return plain
}

/** The facts of a chunk that is recognised to its end, wherever it lies. */
function recognise (plain: PlainDeltas, json: string): ChunkFacts | undefined {
  const before = '{"content":"before"}\n\ndata: '
  return plain.endOf(`${before}${json}\n\n`, before.length) === before.length + json.length ? plain.facts : undefined
}

const recognises = (plain: PlainDeltas, body: object) => recognise(plain, JSON.stringify(body)) !== undefined

t.test('any text is recognised, with the facts that parsing would have given', async t => {
  const plain = taught(chunk('Hello'))
  fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }).filter(text => text.isWellFormed()), text => {
    const body = chunk(text)
    t.strictSame(recognise(plain, JSON.stringify(body)), factsOf(body))
  }), { numRuns: 300 })
})

t.test('what is recognised is a chunk that differs from the learned one in its text alone', async t => {
  const plain = taught(chunk('Hello'))
  const json = JSON.stringify(chunk('Hello'))
  // One character changed, anywhere: either it is still such a chunk, or it is not recognised.
  fc.assert(fc.property(fc.nat(json.length - 1), fc.constantFrom('"', '\\', '}', '{', ',', ':', 'x', '\u0000', '\n'), (at, character) => {
    const changed = json.slice(0, at) + character + json.slice(at + 1)
    if (recognise(plain, changed) === undefined) return
    const { content } = JSON.parse(changed).choices[0].delta
    t.equal(typeof content, 'string')
    t.strictSame(JSON.parse(changed), chunk(content))
  }), { numRuns: 2000 })
})

t.test('everything else is left to the parser', async t => {
  const plain = taught(chunk('Hello'))
  for (const [name, body] of Object.entries({
    'no text': chunk(''),
    'a finish reason': chunk('x', {}, { finish_reason: 'stop' }),
    usage: chunk('x', { usage: { prompt_tokens: 1 } }),
    'another choice': chunk('x', {}, { index: 1 }),
    'a tool call': { ...chunk('x'), choices: [{ index: 0, delta: { content: 'x', tool_calls: [{}] }, logprobs: null, finish_reason: null }] },
    'another id': { ...chunk('x'), id: 'chatcmpl-2' },
    'an error': chunk('x', { error: { message: 'no' } })
  })) t.notOk(recognises(plain, body), name)
  const json = JSON.stringify(chunk('x'))
  for (const broken of [json.slice(0, -1), `${json}x`, json.replace('"x"', '"\\x"'), json.replace('"x"', '"\\u12"'), json.replace('"x"', '"a","content":"b"')]) {
    t.equal(recognise(plain, broken), undefined, broken)
  }
})

t.test('it does not learn from what is not plain', async t => {
  for (const body of [
    chunk(''), chunk('x', {}, { finish_reason: 'stop' }), chunk('x', { usage: { prompt_tokens: 1 } }), chunk('x', { error: 'no' }),
    { ...chunk('x'), choices: [{ index: 0, delta: { role: 'assistant', content: 'x' }, logprobs: null, finish_reason: null }] },
    { ...chunk('x'), choices: [...chunk('x').choices, ...chunk('y').choices] }
  ]) t.notOk(recognises(taught(body), body))
})

t.test('a text that looks like the beginning of a delta does not mislead it', async t => {
  const extra = { note: { delta: { content: 'not this one' } } }
  const before = { ...extra, ...chunk('Hello') }
  t.notOk(recognises(taught(before), { ...extra, ...chunk('x') }), 'it has not found the place, and says so')
  t.notOk(recognises(taught(before), { note: { delta: { content: 'x' } }, ...chunk('Hello') }))
})

t.test('white space between the tokens, as Python writes it', async t => {
  const spaced = (text: string) => `{"choices": [{"index": 0, "delta": {"content": ${JSON.stringify(text)}}, "finish_reason": null}]}`
  const plain = new PlainDeltas()
  plain.learn(spaced('a'), JSON.parse(spaced('a')))
  t.strictSame(recognise(plain, spaced('b "c"')), { output: true, choices: [{ index: 0, finishReason: null }], usage: undefined })
})

t.test('obfuscation of another length is no difference', async t => {
  const plain = taught(chunk('Hello', { obfuscation: 'abc' }))
  t.ok(recognises(plain, chunk('x', { obfuscation: 'abcdefgh' })))
  t.ok(recognises(plain, chunk('x', { obfuscation: '' })))
  t.notOk(recognises(plain, chunk('x', { obfuscation: 'a', usage: { prompt_tokens: 1 } })))
  t.notOk(recognises(plain, chunk('x')))
})

t.test('a stream that changes is learned anew, but not for ever', async t => {
  const plain = taught(chunk('a'), { ...chunk('b'), id: '2' })
  t.ok(recognises(plain, { ...chunk('c'), id: '2' }))
  const restless = taught(...Array.from({ length: 10 }, (_, n) => ({ ...chunk('x'), id: `${n}` })))
  t.notOk(recognises(restless, { ...chunk('y'), id: '9' }))
})
