import { UpstreamError } from '../../../errors/upstream-error.ts'
import { converseInput } from '../../../providers/bedrock/request.ts'
import type { ConverseInput } from '../../../providers/bedrock/request.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { Message } from '../../../schemas/messages.ts'

/** What the tests of the request's translation share. */

export const NOVA = 'amazon.nova-pro-v1:0'
export const CLAUDE = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'
/** Finds the amount of thinking itself, and takes no prefill. */
export const ADAPTIVE_CLAUDE = 'global.anthropic.claude-opus-4-6-v1'
export const GPT_OSS = 'openai.gpt-oss-120b-1:0'
/** Says nothing of the model behind it. */
export const PROFILE = 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abcdef123456'

export const HELLO: Message = { role: 'user', content: 'Hello' }
export const TOOL = { type: 'function' as const, function: { name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }
export const CALL: Message = { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }] }
export const RESULT: Message = { role: 'tool', tool_call_id: 'call_1', content: '{"degrees": 21.50}' }

type Rest = Partial<ChatCompletionRequest> & Record<string, unknown>

export const converse = (rest: Rest = {}, model = NOVA): ConverseInput => converseInput({ messages: [HELLO], ...rest }, model)

/** The turns of these messages. */
export const turnsOf = (messages: Message[], model = NOVA): ConverseInput['messages'] => converse({ messages, tools: [TOOL] }, model).messages

/** The error that a request is refused with. */
export function refusal (rest: Rest, model?: string): { reason: string, param: string | undefined } {
  try {
    converse(rest, model)
  } catch (error) {
    if (error instanceof UpstreamError) return { reason: error.reason, param: error.param }
    throw error
  }
  return { reason: 'none', param: undefined }
}

/** What a request of JSON says, types aside. */
export const requestOf = (json: object): Rest => JSON.parse(JSON.stringify(json))
