import fc from 'fast-check'
import t from 'tap'
import { usageOf } from '../../../providers/gemini/usage.ts'
import { TokenCounts } from '../../../providers/gemini/token-counts.ts'

/** What a reader makes of each, one after the other; undefined: it is no JSON. */
function read (texts: readonly string[]): unknown[] {
  const counts = new TokenCounts()
  return texts.map(json => counts.read(json) ? [counts.usage] : undefined)
}

function parsed (json: string): unknown {
  try {
    return [usageOf(JSON.parse(json))]
  } catch {
    return undefined
  }
}

const counts = (candidates: string | number, total: string | number): string =>
  `{"promptTokenCount": 12,"candidatesTokenCount": ${candidates},"totalTokenCount": ${total},"promptTokensDetails": [{"modality": "TEXT","tokenCount": 12}]}`

t.test('counts that grow', async t => {
  t.strictSame(read([counts(1, 13), counts(9, 21), counts(9, 21), counts(123_456, 123_468)]).flat().map(usage => [usage].flat()), [[1, 13], [9, 21], [9, 21], [123_456, 123_468]].map(([completion, total]) => {
    return [{ prompt_tokens: 12, completion_tokens: completion, total_tokens: total }]
  }))
})

t.test('other numbers, and other fields', async t => {
  const base = [counts(1, 13), counts(2, 14)]
  for (const json of [
    counts('007', 14), counts('-1', 14), counts('1.5', 14), counts('1e3', 14), counts('', 14), counts('1 ', 14), counts('null', 14), counts('"3"', 14),
    counts('0', '0'), counts('00', '0'), counts('999999999999999', 14), counts('9007199254740993', 14), counts('12345678901234567890', 14), counts('3,"x": 4', 14),
    counts(3, 14).replace('"promptTokenCount": 12', '"promptTokenCount": 13'),
    counts(3, 14).replace('}]}', '}],"thoughtsTokenCount": 7}'),
    counts(3, 14).replace('"candidatesTokenCount": 3,', ''),
    counts(3, 14).slice(0, -1), `${counts(3, 14)}}`, '', ' ', 'null', '[]', '{}', '5', '"x"'
  ]) t.strictSame(read([...base, json, ...base, json]), [...base, json, ...base, json].map(parsed), json)
})

t.test('numbers that look like the counts', async t => {
  for (const template of [
    (n: number) => `{"promptTokensDetails": [{"totalTokenCount": ${n}}],"promptTokenCount": 3}`,
    (n: number) => `{"totalTokenCount": ${n},"totalTokenCount": 5}`,
    (n: number) => `{"note": "\\"totalTokenCount\\": ${n}","totalTokenCount": ${n}}`,
    (n: number) => `{"__proto__": {"totalTokenCount": ${n}},"promptTokenCount": ${n}}`
  ]) t.strictSame(read([template(1), template(2), template(3)]), [template(1), template(2), template(3)].map(parsed), template(0))
})

t.test('whatever comes after whatever', async t => {
  const name = fc.constantFrom('promptTokenCount', 'candidatesTokenCount', 'totalTokenCount', 'thoughtsTokenCount', 'cachedContentTokenCount', 'toolUsePromptTokenCount', 'details')
  const number = fc.oneof(fc.nat(300).map(String), fc.constantFrom('0', '00', '-1', '1.5', '1e2', '99999999999999999', 'null', '{"totalTokenCount": 5}', '"}"'))
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 5 })
  const stream = names.chain(fields => fc.array(fc.tuple(fc.array(number, { minLength: fields.length, maxLength: fields.length }), fc.option(fc.tuple(fc.nat(80), fc.nat(2), fc.constantFrom('', '"', '}', ',', '0', ' ', 'x')), { freq: 5 })).map(([values, change]) => {
    const json = `{${fields.map((field, i) => `"${field}": ${values[i]}`).join(',')}}`
    if (change === null) return json
    const [at, removed, added] = change
    return json.slice(0, at) + added + json.slice(at + removed)
  }), { minLength: 2, maxLength: 10 }))
  fc.assert(fc.property(stream, texts => { t.strictSame(read(texts), texts.map(parsed)) }), { numRuns: 2000 })
})
