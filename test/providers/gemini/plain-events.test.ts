import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { answerOf } from '../../../providers/gemini/answer.ts'
import { PlainEvents } from '../../../providers/gemini/plain-events.ts'
import { ChunkTranslator } from '../../../providers/gemini/chunk-translator.ts'

/** As Google writes it: a space behind each colon. */
const google = (value: unknown): string => JSON.stringify(value, null, 1).replace(/\n */g, '')

interface EventFields {
  readonly text?: string
  readonly part?: object
  readonly candidate?: object
  readonly usageMetadata?: unknown
  readonly rest?: object
}

const event = ({ text = 'Hello', part = {}, candidate = {}, usageMetadata = { promptTokenCount: 3, totalTokenCount: 3 }, rest = {} }: EventFields = {}) => ({
  candidates: [{ content: { parts: [{ text, ...part }], role: 'model' }, ...candidate, index: 0 }],
  usageMetadata,
  modelVersion: 'gemini-test-001',
  responseId: 'resp-1',
  ...rest
})

/** What is made of an event after another one was learned. */
function after (lesson: string, json: string) {
  const events = new PlainEvents()
  events.learn(lesson, answerOf(JSON.parse(lesson), []))
  return events.recognise(json)
}

t.test('events that differ in text and counts', async t => {
  const counts = { promptTokenCount: 3, candidatesTokenCount: 7, totalTokenCount: 10, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 3 }] }
  const usage = { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 }
  for (const write of [google, JSON.stringify]) {
    t.strictSame(after(write(event()), write(event({ text: 'a "b" \\ \n é', usageMetadata: counts }))), { index: 0, kind: 'text', textJson: '"a \\"b\\" \\\\ \\n é"', ascii: false, usage })
    t.strictSame(after(write(event({ part: { thought: true } })), write(event({ part: { thought: true }, text: 'Hm', usageMetadata: counts }))), { index: 0, kind: 'reasoning', textJson: '"Hm"', ascii: true, usage })
  }
  t.match(after(google(event()), google(event({ text: 'x' })).replace('"x"', '"\\u003cb\\u003e"')), { textJson: '"\\u003cb\\u003e"', ascii: false })
  t.match(after(google(event({ candidate: { index: 2 } })), google(event())), { index: 0 })
  t.match(after(google(event()), google(event({ usageMetadata: { trafficType: 'ON_DEMAND' } }))), { usage: undefined })
  const uncounted = google(event({ rest: { usageMetadata: undefined } }))
  t.strictSame(after(uncounted, uncounted.replace('Hello', 'x')), { index: 0, kind: 'text', textJson: '"x"', ascii: true, usage: undefined })
  const countedFirst = JSON.stringify({ usageMetadata: counts, candidates: event().candidates })
  t.strictSame(after(countedFirst, countedFirst.replace('Hello', 'x')), { index: 0, kind: 'text', textJson: '"x"', ascii: true, usage })
})

t.test('all others have to be parsed', async t => {
  const lesson = google(event())
  t.ok(after(lesson, google(event({ text: 'x' }))))
  for (const json of [
    google(event({ text: '' })),
    google(event({ candidate: { finishReason: 'STOP' } })),
    google(event({ part: { thought: true } })),
    google(event({ candidate: { safetyRatings: [] } })),
    google(event({ part: { thoughtSignature: 'c2ln' } })),
    google(event({ candidate: { groundingMetadata: {} } })),
    google(event({ rest: { responseId: 'resp-2' } })),
    google(event({ rest: { error: { code: 500 } } })),
    google(event({ rest: { promptFeedback: { blockReason: 'SAFETY' } } })),
    google({ ...event(), candidates: [event().candidates[0], event({ text: 'b', candidate: { index: 1 } }).candidates[0]] }),
    google(event({ text: 'x'.repeat(20_000) })),
    JSON.stringify(event()),
    lesson.replace('Hello', 'a\nb'),
    lesson.replace('Hello', 'a\\x'),
    lesson.replace('Hello', 'a\\'),
    lesson.replace('Hello', 'a"'),
    lesson.replace('"promptTokenCount": 3', '"promptTokenCount": 03'),
    lesson.replace('"promptTokenCount": 3', '"promptTokenCount": '),
    lesson.replace(/\{"promptTokenCount.*?\}/, ''),
    lesson.replace(/\{"promptTokenCount.*?\}/, '{},"error": {"code": 500}'),
    lesson.slice(0, -1),
    lesson.slice(0, 60),
    `${lesson} `,
    ''
  ]) t.equal(after(lesson, json), undefined, json.slice(0, 300))
})

t.test('events that are no pattern', async t => {
  for (const lesson of [
    google(event({ text: '' })),
    google(event({ candidate: { finishReason: 'STOP' } })),
    google(event({ part: { functionCall: { name: 'f' }, text: undefined } })),
    google({ ...event(), candidates: [] }),
    google({ ...event(), candidates: [{ content: { parts: [{ text: 'a' }, { text: 'b' }] } }] }),
    google({ ...event(), candidates: [{ content: { parts: [{ text: 'a', thought: true }, { text: 'b' }] } }] }),
    google(event({ candidate: { logprobsResult: { chosenCandidates: [{ token: 'a', logProbability: -1 }] } } })),
    '{"candidates": [{"content": {"parts": [{"text": "a","text": "Hello"}]}}]}',
    google(event({ part: { thoughtSignature: 'c2ln' } })),
    google(event({ candidate: { citationMetadata: { citationSources: [{ uri: 'https://example.com' }] } } })),
    google({ ...event(), candidates: [{ content: { parts: [{ text: 'a' }, { inlineData: { mimeType: 'image/png', data: 'aW1n' } }] } }] }),
    google({ note: { text: 'Hello' }, ...event() }),
    google(event({ text: 'x'.repeat(20_000) }))
  ]) t.equal(after(lesson, lesson), undefined, lesson.slice(0, 300))
  // The first of two is not what counts.
  const twice = google(event()).replace('"modelVersion"', '"usageMetadata": {"promptTokenCount": 9},"modelVersion"')
  t.equal(after(twice, twice), undefined)
})

t.test('what is learned anew and to no avail ends the learning', async t => {
  const events = new PlainEvents()
  const learn = (responseId: string): string => {
    const json = google(event({ rest: { responseId } }))
    events.learn(json, answerOf(JSON.parse(json), []))
    return json
  }
  for (let i = 0; i < 10; i++) t.ok(events.recognise(learn('useful')))
  const last = ['a', 'b', 'c', 'd', 'e'].map(learn)
  t.strictSame(last.map(json => events.recognise(json) !== undefined), [false, false, false, true, false])
})

/** Events through a translator, and how it ended. Chunks of ids that were made up are comparable. */
function outcomeOf (events: readonly string[]): readonly unknown[] {
  const { translate, flush } = new ChunkTranslator({ model: 'm', created: 1, secrets: [] })
  const outcome: unknown[] = []
  try {
    for (const json of events) outcome.push(translate(json))
    outcome.push(...flush())
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    outcome.push(error.reason)
  }
  return outcome.map(item => {
    if (item === undefined || typeof item === 'string' || item === null || typeof item !== 'object' || !('json' in item) || typeof item.json !== 'string') return item
    const { id, ...chunk } = JSON.parse(item.json)
    return { ...item, json: { ...chunk, id: String(id).replace(/^chatcmpl-\w+$/, 'made up') } }
  })
}

/** Tells where in the text so far its bytes are. */
const CITED = { citationMetadata: { citationSources: [{ uri: 'https://a.example', startIndex: 2, endIndex: 7 }, { uri: 'https://b.example', startIndex: 5, endIndex: 30 }] } }

/** Too long to be recognised, and otherwise the same. */
const parsed = (json: string): string => json + ' '.repeat(20_000)

t.test('what is recognised is what is parsed', async t => {
  const count = fc.oneof(fc.nat(2000), fc.constantFrom(-1, 1e21, 0.5, null, 'x'))
  const counts = fc.oneof(
    fc.dictionary(fc.constantFrom('promptTokenCount', 'candidatesTokenCount', 'totalTokenCount', 'thoughtsTokenCount', 'cachedContentTokenCount', 'toolUsePromptTokenCount', 'trafficType', 'usageMetadata', '}'), count),
    fc.constantFrom(null, [], 5, '}', undefined)
  )
  const text = fc.oneof(fc.constantFrom('', 'a', '"text": "', '"usageMetadata": {}', '\\', '}', '\u2028', '\ud800', '<b>'), fc.string({ unit: 'binary' }))
  const candidate = fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom({ finishReason: 'STOP' }, { finishReason: 'SAFETY' }, { index: 1 }, { safetyRatings: [{ text: 'x' }] }, CITED, CITED) })
  const part = fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, { weight: 3, arbitrary: fc.constantFrom({ thought: true }, { thought: false }, { thoughtSignature: 'c2ln' }) })
  const fields = fc.record<EventFields>({ text, part, candidate, usageMetadata: counts, rest: fc.constantFrom({}, {}, {}, { responseId: undefined }, { note: { text: 'a', usageMetadata: {} } }) }, { noNullPrototype: true })
  const other = fc.constantFrom({ candidates: [] }, { usageMetadata: { totalTokenCount: 4 } }, { error: { code: 429 } }, { promptFeedback: { blockReason: 'OTHER' } })
  const whole = fc.oneof({ weight: 20, arbitrary: fields.map(event) }, { weight: 1, arbitrary: other })
  const json = fc.tuple(whole, fc.constantFrom(google, google, JSON.stringify)).map(([value, write]) => write(value))
  /** Cut, doubled, or with something else in it, somewhere. */
  const mutation = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(6), fc.constantFrom('', '"', '}', '{', ',', '\\', '0', ' ', '\n', '"text": "b",', 'null', '"usageMetadata": {},'))
  const mutated = fc.tuple(json, fc.option(mutation, { freq: 4 })).map(([text, change]) => {
    if (change === null) return text
    const [where, removed, added] = change
    const at = Math.floor(where * text.length)
    return text.slice(0, at) + added + text.slice(at + removed)
  })
  fc.assert(fc.property(fc.array(mutated, { minLength: 1, maxLength: 8 }), events => {
    t.strictSame(outcomeOf(events), outcomeOf(events.map(parsed)))
  }), { numRuns: 2000 })
})

t.test('any change of one character in an event that would be recognised', async t => {
  const lesson = google(event({ usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 } }))
  for (let at = 0; at <= lesson.length; at++) {
    for (const character of ['', '"', '\\', '0', '1', '}', ' ', 'x', '\n', ',']) {
      const changed = lesson.slice(0, at) + character + lesson.slice(at + 1)
      const events = [lesson, changed, lesson]
      t.strictSame(outcomeOf(events), outcomeOf(events.map(parsed)), changed)
    }
  }
})
