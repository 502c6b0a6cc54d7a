import { GatewayError } from '../../errors/gateway-error.ts'
import { isJsonObject, objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { AnswerBlock, AnswerMessage } from '../../schemas/messages-api-answer.ts'
import { citationsOf } from './citations.ts'
import { headOf } from './head.ts'
import type { AskedMessage } from './head.ts'
import { ReasoningBlocks, reasoningOf } from './reasoning.ts'
import { stopOf } from './stop-reason.ts'
import { inputOf, ownCallId, toolUse } from './tool-use.ts'
import { messageUsage } from './usage.ts'

/**
 * A `chat.completion` as a message of the Messages API: what was thought, then the text, then the calls, which is the
 * order of the chat format. Of several choices the first.
 * @param json the completion
 * @throws {GatewayError} 502: it is none
 */
export function messageOf (json: string, asked: AskedMessage): AnswerMessage {
  const completion = objectOf(json)
  const choice: unknown = Array.isArray(completion?.['choices']) ? completion['choices'][0] : undefined
  if (completion === undefined || !isJsonObject(choice) || !isJsonObject(choice['message'])) {
    throw new GatewayError(502, 'The target did not answer with a completion.', { type: 'server_error', code: 'malformed_answer' })
  }
  const { message } = choice
  const head = headOf(completion, asked)
  const calls = callBlocks(message, head.id)
  return {
    ...head,
    type: 'message',
    role: 'assistant',
    content: [...reasoningBlocks(message), ...textBlocks(message), ...calls],
    ...stopOf({ finishReason: choice['finish_reason'], calls: calls.length > 0, refusal: refusalOf(message) !== '', stoppedBy: choice['stop_reason'] }, asked.stopSequences),
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: messageUsage(completion['usage'])
  }
}

function reasoningBlocks (message: JsonObject): AnswerBlock[] {
  const reasoning = new ReasoningBlocks()
  for (const { key, block } of reasoningOf(message)) reasoning.add(block, key)
  return reasoning.blocks.map(block => block.type === 'reasoning.text'
    ? { type: 'thinking', thinking: block.text, signature: block.signature ?? '' }
    : { type: 'redacted_thinking', data: block.data })
}

/** A refusal is text, too: the Messages API has no field of its own for it. */
function textBlocks (message: JsonObject): AnswerBlock[] {
  const { content, annotations } = message
  const text = (typeof content === 'string' ? content : '') + refusalOf(message)
  const citations = citationsOf(annotations)
  return text === '' && citations.length === 0 ? [] : [{ type: 'text', text, citations: citations.length === 0 ? null : citations }]
}

function refusalOf ({ refusal }: JsonObject): string { return typeof refusal === 'string' ? refusal : '' }

function callBlocks ({ tool_calls: calls }: JsonObject, messageId: string): AnswerBlock[] {
  if (!Array.isArray(calls)) return []
  return calls.flatMap((call: unknown, index) => {
    if (!isJsonObject(call) || !isJsonObject(call['function'])) return []
    const { name, arguments: text } = call['function']
    const id = typeof call['id'] === 'string' && call['id'] !== '' ? call['id'] : ownCallId(messageId, index)
    return [toolUse({ id, name: typeof name === 'string' ? name : '', extra: call['extra_content'] }, inputOf(typeof text === 'string' ? text : ''))]
  })
}
