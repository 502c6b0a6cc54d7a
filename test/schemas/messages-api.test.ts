/**
 * The Messages API's schemas beside the types of Anthropic's own SDK: what it lets its users send is known here by name,
 * and what is answered is what it says that they get. The types are checked when the tests are compiled.
 */
import type { Message, MessageCreateParamsBase, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import type { MessageCreateParamsBase as BetaMessageCreateParamsBase } from '@anthropic-ai/sdk/resources/beta/messages/messages'
import { Ajv } from 'ajv'
import t from 'tap'
import { messageOf } from '../../dialects/messages/answer.ts'
import { MessageFrames } from '../../dialects/messages/message-frames.ts'
import { AnswerMessage, MessageEvent } from '../../schemas/messages-api-answer.ts'
import { MessagesRequest } from '../../schemas/messages-api-request.ts'
import { chunk, completion, finish, role, text, usage } from '../support/scripted-upstream.ts'
import { eventsOf } from '../support/message-events.ts'

/** Compiles only if one type can stand for the other. */
type Extends<A extends B, B> = A
/** What the SDK sends as a header. */
type Headers = 'user_profile_id' | 'workspace_id' | 'betas'

export type KnownFields = Extends<Exclude<keyof MessageCreateParamsBase | keyof BetaMessageCreateParamsBase, Headers>, keyof MessagesRequest>
export type AnswerIsMessage = Extends<AnswerMessage, Message>
export type EventIsEvent = Extends<MessageEvent, RawMessageStreamEvent>

const ASKED = { requestId: 'r', model: 'm', stopSequences: [] }
const ajv = new Ajv({ strict: false })

t.test('what is answered follows the schema', async t => {
  const validAnswer = ajv.compile(AnswerMessage)
  const answer = messageOf(JSON.stringify({ ...completion('Hi'), usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }), ASKED)
  t.ok(validAnswer(answer), ajv.errorsText(validAnswer.errors))
  const validEvent = ajv.compile(MessageEvent)
  const frames = new MessageFrames(ASKED, error => { throw error })
  const chunks = [
    role(), chunk({ reasoning_content: 'a' }), chunk({ reasoning_details: [{ type: 'reasoning.encrypted', index: 1, data: 'x' }] }), text('b'),
    chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] }), finish('tool_calls'), usage()
  ]
  const events = eventsOf(frames.encode(chunks.map(each => JSON.stringify(each))) + frames.end())
  t.equal(events.length, 14)
  for (const event of events) t.ok(validEvent(event), ajv.errorsText(validEvent.errors))
})

t.test('what a request must not hold is told with its place', async t => {
  const validate = ajv.compile(MessagesRequest)
  const place = (change: object): string => {
    if (validate({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'a' }], ...change })) return 'valid'
    return validate.errors?.map(({ instancePath }) => instancePath).sort((a, b) => b.length - a.length)[0] ?? ''
  }
  t.equal(place({}), 'valid')
  t.equal(place({ max_tokens: 0 }), '/max_tokens')
  t.equal(place({ temperature: 1.5 }), '/temperature')
  t.equal(place({ messages: [{ role: 'tool', content: 'a' }] }), '/messages/0/role')
  t.equal(place({ messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] }), '/messages/0/content/0/text')
  t.equal(place({ messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'b', input: 'c' }] }] }), '/messages/0/content/0/input')
  t.equal(place({ tools: [{ name: 'a', input_schema: 1 }] }), '/tools/0/input_schema')
  t.equal(place({ tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 1 }] }), 'valid', 'which the translator refuses')
  t.equal(place({ tool_choice: { type: 'some' } }), '/tool_choice/type')
})
