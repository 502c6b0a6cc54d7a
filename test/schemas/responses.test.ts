/**
 * The schemas of the Responses API against the types of OpenAI's client: what these files hold is for the compiler, and
 * a change of the client's types that matters here stops `npm run check`.
 */
import { Ajv } from 'ajv'
import type OpenAI from 'openai'
import t from 'tap'
import type { ResponsesAnswer } from '../../schemas/responses-answer.ts'
import type { ResponsesEvent } from '../../schemas/responses-events.ts'
import type { OutputItem } from '../../schemas/responses-output.ts'
import { ResponsesRequest } from '../../schemas/responses-request.ts'

type Client = OpenAI.Responses.Response
type Params = OpenAI.Responses.ResponseCreateParams

/** What the gateway's tools, choices and unfinished answers add to the client's types; `output_text` is the client's own. */
type Repeated = 'tools' | 'tool_choice' | 'text' | 'reasoning' | 'service_tier' | 'output_text' | 'output' | 'usage'

// Each field of an answer is one that the client knows, and none is missing that it says is there.
const answered = (answer: ResponsesAnswer): Omit<Client, Repeated> => answer
const missing = (field: Exclude<keyof Client, keyof ResponsesAnswer | 'output_text'>): Exclude<keyof Client, RequiredKeys<Client>> => field
type RequiredKeys<T> = { [K in keyof T]-?: {} extends Pick<T, K> ? never : K }[keyof T]

const item = (output: OutputItem): OpenAI.Responses.ResponseOutputItem => output
const usage = (counts: NonNullable<ResponsesAnswer['usage']>): OpenAI.Responses.ResponseUsage => counts

// Each event is one of the client's.
type Named<Type> = Extract<OpenAI.Responses.ResponseStreamEvent, { type: Type }>
type Unknown<Event extends ResponsesEvent> = Event extends { type: infer Type }
  ? Event extends { response: ResponsesAnswer } ? (Named<Type> extends never ? Type : never) : (Event & { sequence_number: number } extends Named<Type> ? never : Type)
  : never
const everyEventIsKnown: [Unknown<ResponsesEvent>] extends [never] ? true : Unknown<ResponsesEvent> = true

// No field of a request is unheard of: each is translated, or refused by its own name.
const everyFieldIsNamed: [Exclude<keyof Params, keyof ResponsesRequest>] extends [never] ? true : Exclude<keyof Params, keyof ResponsesRequest> = true

t.test('the compiler has found nothing', async t => {
  t.same([answered, missing, item, usage].map(check => typeof check), Array(4).fill('function'))
  t.ok(everyEventIsKnown && everyFieldIsNamed)
})

t.test('what the client sends is valid', async t => {
  const validate = new Ajv({ strict: false }).compile(ResponsesRequest)
  const requests: Params[] = [
    { input: 'Hi' },
    { model: 'auto', input: [{ role: 'user', content: 'Hi' }], stream: true, tools: [{ type: 'function', name: 'f', parameters: null, strict: null }] },
    {
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_image', detail: 'auto', image_url: 'https://example.com/' }] },
        { type: 'reasoning', id: 'rs_1', summary: [] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'a' }] },
        { type: 'item_reference', id: 'msg_1' }
      ],
      tool_choice: { type: 'mcp', server_label: 's' }
    }
  ]
  for (const request of requests) t.ok(validate(request), JSON.stringify(validate.errors))
  for (const request of [{}, { input: [] }, { input: 1 }, { input: [{ role: 'robot', content: 'Hi' }] }, { input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }]) t.notOk(validate(request))
})
