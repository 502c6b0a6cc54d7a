/**
 * What a stream can be joined by: each dialect numbers its frames from 1 without a gap, whatever it is given and in whatever
 * batches, and the stream log's eyes find each of them.
 */
import fc from 'fast-check'
import t from 'tap'
import { chatCompletions } from '../../dialects/chat-completions.ts'
import type { Dialect } from '../../dialects/dialect.ts'
import { messages } from '../../dialects/messages.ts'
import { askedResponse, responses } from '../../dialects/responses.ts'
import { toGatewayError } from '../../plugins/error-handler.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { framesAfter, lastIdOf } from '../../stream-log/frame-text.ts'
import { chunk, finish, role, text, usage } from '../support/scripted-upstream.ts'

const DIALECTS: ReadonlyArray<() => Dialect> = [
  () => chatCompletions,
  () => responses(askedResponse({ input: 'Hi', reasoning: { summary: 'auto' }, include: ['reasoning.encrypted_content'] }, 'x'), () => 0),
  () => messages({ requestId: 'req-1', model: 'm', stopSequences: [] })
]

const words = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('id: 3', '\nid: 3\n', '\n\n', 'event: error\nid: 9\ndata: x\n\n', '[DONE]'))
const call = fc.tuple(fc.nat(2), words, fc.boolean()).map(([index, piece, first]): JsonObject => chunk({
  tool_calls: [{ index, ...(first ? { id: `c${index}`, type: 'function' } : {}), function: { ...(first ? { name: 'f' } : {}), arguments: piece } }]
}))
const chunks = fc.oneof(
  { weight: 4, arbitrary: words.map(text) },
  { weight: 2, arbitrary: words.map(reasoning => chunk({ reasoning_content: reasoning })) },
  { weight: 2, arbitrary: call },
  { weight: 1, arbitrary: words.map(refusal => chunk({ refusal })) },
  { weight: 1, arbitrary: fc.constantFrom(role(), finish('stop'), finish('tool_calls'), usage()) }
).map(each => JSON.stringify(each))
const batches = fc.array(fc.array(fc.oneof({ weight: 20, arbitrary: chunks }, { weight: 1, arbitrary: fc.constantFrom('null', '{}', '[1]', '{"choices":[null]}') }), { maxLength: 5 }), { maxLength: 12 })

t.test('frames are numbered without gaps, and found by their numbers, however a stream ends', async t => {
  for (const dialectOf of DIALECTS) {
    fc.assert(fc.property(batches, fc.boolean(), (batches, breaks) => {
      const frames = dialectOf().frames(toGatewayError)
      const pieces = batches.map(batch => frames.encode(batch))
      if (!(frames.over === true)) pieces.push(breaks ? frames.fail(new Error('broken')) ?? '' : frames.end())
      const whole = pieces.join('')
      const each = whole.split('\n\n')
      if (each.pop() !== '') throw new Error('the last frame has no end')
      each.forEach((frame, n) => {
        if (!new RegExp(`^(?:event: [\\w.]+\\n)?id: ${n + 1}\\ndata: [^\\n]+$`).test(frame)) throw new Error(`frame ${n + 1}: ${frame}`)
        if (framesAfter(whole, n + 1) !== each.slice(n + 1).map(rest => `${rest}\n\n`).join('')) throw new Error(`what follows frame ${n + 1}`)
      })
      if (lastIdOf(whole) !== each.length) throw new Error('the last number')
      // What a batch ends with is what the log takes it for.
      let upTo = 0
      for (const piece of pieces) {
        if (piece === '') continue
        const count = piece.split('\n\n').length - 1
        if (lastIdOf(piece) !== upTo + count) throw new Error(`a batch that ends with ${upTo + count}`)
        upTo += count
      }
    }), { numRuns: 300 })
    t.pass(`${dialectOf().name}: 300 streams`)
  }
})
