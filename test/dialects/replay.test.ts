import fc from 'fast-check'
import t from 'tap'
import { chatCompletions } from '../../dialects/chat-completions.ts'
import type { Dialect } from '../../dialects/dialect.ts'
import { messages } from '../../dialects/messages.ts'
import { Replay } from '../../dialects/replay.ts'
import { askedResponse, responses } from '../../dialects/responses.ts'
import { GatewayError } from '../../errors/gateway-error.ts'
import { SentText } from '../../failover/sent-text.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { BatchEncoder } from '../../streams/batch-pump.ts'
import { framesAfter } from '../../stream-log/frame-text.ts'
import { share } from '../support/nightly.ts'
import { chunk, finish, role, text, usage } from '../support/scripted-upstream.ts'

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'chat completions': chatCompletions,
  responses: responses(askedResponse({ input: 'Hi', model: 'asked', metadata: { a: 'b' } }, 'x'), () => 0),
  'responses with a summary, and what is sent back': responses(askedResponse({ input: 'Hi', reasoning: { summary: 'auto' }, include: ['reasoning.encrypted_content'] }, 'x'), () => 0),
  messages: messages({ requestId: 'req-1', model: 'asked', stopSequences: [] })
}
const NAMES = Object.keys(DIALECTS)
const RUNS = share(300, 20_000)

function dialectOf (name: string): Dialect { return DIALECTS[name] ?? chatCompletions }
function told (error: Error): GatewayError { return new GatewayError(502, error.message, { type: 'server_error', code: 'told' }) }

const words = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), fc.constantFrom('\u2028', 'id: 3', '\nid: 3\ndata: x\n\n', '[DONE]', '"', ' '))
const head = fc.constantFrom<JsonObject>({}, { model: 'another' }, { created: 1_700_000_000 }, { service_tier: 'flex' }, { id: 'chatcmpl-1' }, { id: 'msg_1' }, { id: '', model: '' }, { id: '', created: 0 })
const saying = fc.oneof(words.map(text), words.map(reasoning => chunk({ reasoning_content: reasoning })), fc.constant(chunk({ content: '' })))
const anything = fc.oneof(
  { weight: 6, arbitrary: saying },
  { weight: 1, arbitrary: words.map(reasoning => chunk({ reasoning_content: reasoning, reasoning_details: [{ type: 'reasoning.text', index: 0, text: reasoning }] })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      chunk({ reasoning_details: [{ type: 'reasoning.text', index: 0, signature: 's' }] }),
      chunk({ reasoning_details: [{ type: 'reasoning.encrypted', index: 1, data: 'd' }] }),
      chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 1, id: 'd', type: 'function', function: { name: 'f', arguments: '{"a"' } }] }),
      chunk({ annotations: [{ type: 'url_citation', url_citation: { url: 'u', title: 't', start_index: 0, end_index: 1 } }] }),
      { ...chunk({}), choices: [], prompt_filter_results: [] },
      usage()
    )
  }
)
const inBatches = (chunks: fc.Arbitrary<JsonObject>) => fc.array(fc.array(chunks, { minLength: 1, maxLength: 4 }), { maxLength: 8 })
const begun = (chunks: fc.Arbitrary<JsonObject>) => fc.record({ name: fc.constantFrom(...NAMES), head, before: inBatches(chunks), after: inBatches(words.map(text)) })

interface Stream {
  readonly name: string
  /** What is told of the answer as a whole: in all chunks, as those of another attempt are made to look like the first one's. */
  readonly head: JsonObject
  readonly before: readonly JsonObject[][]
  readonly after: readonly JsonObject[][]
}

/** A stream written by one writer; and by two, of whom the second begins with the first one's frames and nothing else. */
function written ({ name, head, before, after }: Stream): { readonly once: string, readonly twice: string, readonly replay: Replay, readonly sent: SentText } {
  const dialect = dialectOf(name)
  const json = (batch: readonly JsonObject[]) => batch.map(each => JSON.stringify({ ...each, ...head }))
  const frames = dialect.frames(told)
  const stored = [[role()], ...before].map(batch => frames.encode(json(batch))).filter(piece => piece !== '')
  const replay = new Replay(dialect, told)
  const sent = new SentText()
  for (const piece of stored) {
    for (const said of replay.write(piece)) {
      sent.look(said)
      sent.sent()
    }
  }
  const rest = (writer: BatchEncoder<string>) => [...after, [finish('stop')], [usage()]].map(batch => writer.encode(json(batch))).join('') + writer.end()
  return { once: stored.join('') + rest(frames), twice: stored.join('') + rest(replay.frames), replay, sent }
}

t.test('text and reasoning: who has the frames alone writes the rest as who wrote them would have', async t => {
  let carried = 0
  fc.assert(fc.property(begun(saying), stream => {
    const { once, twice, replay, sent } = written(stream)
    if (!replay.isFaithful) throw new Error('other frames')
    if (!sent.canGoOn) return
    carried++
    if (once !== twice) throw new Error(`${once}\nand\n${twice}`)
  }), { numRuns: RUNS })
  t.ok(carried > RUNS / 5, `${carried} of ${RUNS} had said something`)
})

t.test('anything: what cannot be written on as it would have been is not written on', async t => {
  let not = 0
  fc.assert(fc.property(begun(anything), stream => {
    const { once, twice, replay, sent } = written(stream)
    if (!replay.isFaithful || !sent.canGoOn) not++
    else if (once !== twice) throw new Error(`${once}\nand\n${twice}`)
  }), { numRuns: RUNS })
  t.ok(not < RUNS, `${not} of ${RUNS} are not`)
})

t.test('what is not said again is told of all the same', async t => {
  const kinds: Record<string, JsonObject> = {
    refusal: chunk({ refusal: 'No.' }),
    call: chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } }] }),
    citation: chunk({ annotations: [{ type: 'url_citation', url_citation: { url: 'u', title: 't', start_index: 0, end_index: 1 } }] })
  }
  for (const name of NAMES) {
    for (const [kind, each] of Object.entries(kinds)) {
      if (kind === 'refusal' && name === 'messages') continue // there it is text
      const { replay, sent } = written({ name, head: {}, before: [[text('Hello')], [each]], after: [] })
      t.notOk(replay.isFaithful && sent.canGoOn, `${name}: ${kind}`)
    }
  }
})

t.test('frames of another writer are not gone on from', async t => {
  for (const name of NAMES) {
    const frames = dialectOf(name).frames(told)
    const stored = frames.encode([role(), text('Hel'), text('lo')].map(each => JSON.stringify(each)))
    for (const changed of [stored.replace('data: {', 'data:{'), framesAfter(stored, 1), stored.replaceAll('id: 2\n', 'id: 3\n')]) {
      const replay = new Replay(dialectOf(name), told)
      replay.write(changed)
      t.notOk(replay.isFaithful, name)
    }
  }
})
