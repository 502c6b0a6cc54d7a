import type { GatewayError } from '../../errors/gateway-error.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { AssistantMessage, ContentPart, Message, ToolCall } from '../../schemas/messages.ts'
import type { CustomToolCallInput, FunctionCallInput, InputMessage, ReasoningInput } from '../../schemas/responses-input.ts'
import type { ResponsesRequest } from '../../schemas/responses-request.ts'
import { contentOf } from './content.ts'
import { isReasoningDetail, joinDetails } from './reasoning-details.ts'
import { decodeSentBack } from './sent-back.ts'
import type { SentBack } from './sent-back.ts'
import { invalidValue, unsupported } from './unsupported.ts'

/** An item, and its place in the request for errors. */
interface Placed<Item> { readonly item: Item, readonly path: string }

/** What the assistant did in one go; becomes one message, as the core's format has reasoning, text and calls in one. */
interface AssistantTurn {
  reasoning: string
  readonly details: JsonObject[]
  /** Of the messages in it; those after the first one stand here only where calls keep them together. */
  readonly messages: Array<Placed<InputMessage>>
  readonly calls: ToolCall[]
  extra: JsonObject | undefined
}

/**
 * The conversation in the core's format: `instructions` first, then the items. What belongs to one turn of the
 * assistant, reasoning, text and calls, becomes one message.
 * @throws {GatewayError} 400, naming the item
 */
export function messagesOf ({ instructions, input }: Pick<ResponsesRequest, 'instructions' | 'input'>): Message[] {
  const messages: Message[] = instructions == null ? [] : [{ role: 'system', content: instructions }]
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }]
  const sentBack = new Map(input.flatMap((item, i) => {
    const decoded = item.type === 'reasoning' ? sentBackOf(item, `input[${i}]`) : undefined
    return decoded === undefined ? [] : [[item, decoded] as const]
  }))
  // Calls may be anywhere in the conversation, on either side of the item that brings what belongs to them.
  const extras = new Map([...sentBack.values()].flatMap(({ calls = [] }) => calls.map(({ id, extra }) => [id, extra] as const)))

  let turn: AssistantTurn | undefined
  const inTurn = (): AssistantTurn => (turn ??= { reasoning: '', details: [], messages: [], calls: [], extra: undefined })
  const endTurn = (): void => {
    if (turn !== undefined) messages.push(assistantMessage(turn))
    turn = undefined
  }
  for (const [i, item] of input.entries()) {
    const path = `input[${i}]`
    switch (item.type) {
      case undefined:
      case 'message':
        if (item.role !== 'assistant') {
          endTurn()
          messages.push({ role: item.role, content: contentOf(item.content, `${path}.content`) })
          break
        }
        // Calls and their results must follow each other, so only a turn without any can be ended by more text.
        if (turn !== undefined && turn.messages.length > 0 && turn.calls.length === 0) endTurn()
        inTurn().messages.push({ item, path })
        break
      case 'reasoning':
        addReasoning(inTurn(), item, sentBack.get(item))
        break
      case 'function_call':
      case 'custom_tool_call':
        inTurn().calls.push(callOf(item, extras.get(item.call_id), path))
        break
      case 'function_call_output':
      case 'custom_tool_call_output':
        endTurn()
        refuseForeignCaller(item, path)
        messages.push({ role: 'tool', tool_call_id: item.call_id, content: contentOf(item.output, `${path}.output`) })
        break
      default: throw foreignKind(item, path)
    }
  }
  endTurn()
  return messages
}

function foreignKind ({ type }: { readonly type?: string }, path: string): GatewayError {
  return unsupported(`${path}.type`, type === 'item_reference' ? 'nothing is stored that could be referred to; send the item itself' : 'this kind of item has no counterpart')
}

/** @throws {GatewayError} 400: it is not what a gateway gave out */
function sentBackOf ({ encrypted_content: text }: ReasoningInput, path: string): SentBack | undefined {
  if (text == null) return undefined
  const decoded = decodeSentBack(text)
  if (decoded === undefined) throw invalidValue(`${path}.encrypted_content`, 'is not one that this gateway gave out')
  return decoded
}

function addReasoning (turn: AssistantTurn, { summary, content }: ReasoningInput, sentBack: SentBack | undefined): void {
  // What was encoded is what the provider said; the text beside it may have been cut by a client.
  turn.reasoning += sentBack?.reasoning || textsOf(content).join('') || textsOf(summary).join('\n\n')
  turn.details.push(...sentBack?.details ?? [])
  turn.extra ??= sentBack?.message
}

function textsOf (parts: ReadonlyArray<{ readonly text: string }> | null | undefined): string[] {
  return (parts ?? []).map(({ text }) => text)
}

function callOf (item: FunctionCallInput | CustomToolCallInput, sentBack: JsonObject | undefined, path: string): ToolCall {
  refuseForeignCaller(item, path)
  if (item.async === true) throw unsupported(`${path}.async`, 'it has no counterpart')
  const extra = item.extra_content ?? sentBack
  const rest = extra === undefined ? {} : { extra_content: extra }
  return item.type === 'function_call'
    ? { id: item.call_id, type: 'function', function: { name: item.name, arguments: item.arguments }, ...rest }
    : { id: item.call_id, type: 'custom', custom: { name: item.name, input: item.input }, ...rest }
}

function refuseForeignCaller (item: { namespace?: string | null, caller?: { type: string } | null }, path: string): void {
  if (item.namespace != null) throw unsupported(`${path}.namespace`, 'tools have no namespaces')
  if (item.caller != null && item.caller.type !== 'direct') throw unsupported(`${path}.caller`, 'tools are called by the model directly')
}

function assistantMessage ({ reasoning, details, messages, calls, extra }: AssistantTurn): Message {
  const sent = messages.map(({ item }) => item.extra_content).find(value => value != null) ?? extra
  const message: AssistantMessage & JsonObject = {
    role: 'assistant',
    ...spoken(messages),
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(details.length > 0 ? { reasoning_details: joinDetails(details).filter(isReasoningDetail) } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(sent === undefined ? {} : { extra_content: sent })
  }
  return message
}

/** The text as a plain string and the refusal beside it, as answers have them; anything more as a list of parts. */
function spoken (messages: ReadonlyArray<Placed<InputMessage>>): Pick<AssistantMessage, 'content' | 'refusal'> {
  const parts = messages.flatMap(({ item, path }): ContentPart[] => {
    const content = contentOf(item.content, `${path}.content`)
    return typeof content === 'string' ? [{ type: 'text', text: content }] : content
  })
  const texts = parts.flatMap(part => part.type === 'text' ? [part] : [])
  const refusals = parts.flatMap(part => part.type === 'refusal' ? [part.refusal] : [])
  if (texts.length > 1 || refusals.length > 1 || texts.length + refusals.length < parts.length) return { content: parts }
  const [text] = texts
  const [refusal] = refusals
  return { content: text === undefined ? null : Object.keys(text).length > 2 ? [text] : text.text, ...(refusal === undefined ? {} : { refusal }) }
}
