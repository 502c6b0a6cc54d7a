import { asToolError, cacheControlOf, withCacheControl } from '../../schemas/carried.ts'
import type { CacheControl } from '../../schemas/carried.ts'
import type { AssistantMessage, FunctionToolCall, Message, TextPart, ToolMessage } from '../../schemas/messages.ts'
import type { ContentBlock, InputMessage, TextBlock, ToolResultBlock, ToolUseBlock } from '../../schemas/messages-api-request.ts'
import { cached, contentOf, partOf, textPart } from './content.ts'
import { reasoningFields, ReasoningBlocks } from './reasoning.ts'
import { refused } from './refused.ts'

/**
 * The conversation as chat messages.
 *
 * Anthropic joins consecutive messages of one side into one turn, and has the results of a turn's tool calls among the
 * user's blocks; the chat format wants each result as a message of its own, right after the calls. So the assistant's
 * messages of a turn become one message, and of what follows, the tool results come first.
 */

/** @throws {GatewayError} 400, with the block's field in `param` */
export function turnsOf (messages: readonly InputMessage[]): Message[] {
  const turns: Message[] = []
  for (const { assistant, from, run } of runsOf(messages)) {
    if (assistant) turns.push(assistantMessage(run, from))
    else turns.push(...userMessages(run, from))
  }
  return turns
}

/** The system's words, or nothing where there are none. */
export function systemMessage (system: string | readonly TextBlock[]): Message[] {
  const content = typeof system === 'string' ? system : contentOf(system.map(textPart))
  return content === '' ? [] : [{ role: 'system', content }]
}

/** The last block that a prompt can be cached up to, marked so; one that is marked already stays as it is. */
export function withLastCached (messages: readonly Message[], control: CacheControl): Message[] {
  const last = messages.at(-1)
  return last === undefined ? [] : [...messages.slice(0, -1), cachedToItsEnd(last, control)]
}

interface Run {
  readonly assistant: boolean
  /** Where it begins among the request's messages. */
  readonly from: number
  readonly run: InputMessage[]
}

function runsOf (messages: readonly InputMessage[]): Run[] {
  const runs: Run[] = []
  for (const [index, message] of messages.entries()) {
    const assistant = message.role === 'assistant'
    const last = runs.at(-1)
    if (last?.assistant === assistant) last.run.push(message)
    else runs.push({ assistant, from: index, run: [message] })
  }
  return runs
}

function * blocksOf (run: readonly InputMessage[], from: number): Generator<{ readonly block: ContentBlock, readonly at: string }> {
  for (const [index, { content }] of run.entries()) {
    const path = `messages[${from + index}].content`
    if (typeof content === 'string') yield { block: { type: 'text', text: content }, at: path }
    else for (const [place, block] of content.entries()) yield { block, at: `${path}[${place}]` }
  }
}

// ---- the user, the system in between, and results of tools

function userMessages (run: readonly InputMessage[], from: number): Message[] {
  const results: ToolMessage[] = []
  const words: Message[] = []
  for (const [index, message] of run.entries()) {
    const { role } = message
    const parts = []
    for (const { block, at } of blocksOf([message], from + index)) {
      if (role === 'system' && block.type !== 'text') throw refused(`${at}.type`, 'anything but text in a system message')
      if (block.type === 'tool_result') results.push(toolMessage(block, at))
      else parts.push(partOf(block, at))
    }
    if (parts.length > 0 && role !== 'assistant') words.push({ role, content: contentOf(parts) })
  }
  return [...results, ...words]
}

function toolMessage ({ tool_use_id: id, content, is_error: failed, cache_control: control, toolset_name: toolset }: ToolResultBlock, at: string): ToolMessage {
  if (toolset != null) throw refused(`${at}.toolset_name`, 'toolsets')
  const message: ToolMessage = cached({
    role: 'tool',
    tool_call_id: id,
    content: typeof content === 'string' ? content : contentOf((content ?? []).map((part, index) => partOf(part, `${at}.content[${index}]`)))
  }, control)
  return failed === true ? asToolError(message) : message
}

// ---- the assistant

/** Text comes before calls, as the chat format has no other order. */
function assistantMessage (run: readonly InputMessage[], from: number): AssistantMessage {
  const texts: TextPart[] = []
  const calls: FunctionToolCall[] = []
  const reasoning = new ReasoningBlocks()
  let control: CacheControl | null | undefined
  for (const { block, at } of blocksOf(run, from)) {
    switch (block.type) {
      case 'text':
        texts.push(textPart(block))
        break
      case 'thinking':
        reasoning.add({ type: 'reasoning.text', text: block.thinking, ...(block.signature === '' ? {} : { signature: block.signature }) })
        break
      case 'redacted_thinking':
        reasoning.add({ type: 'reasoning.encrypted', data: block.data })
        break
      case 'tool_use':
        calls.push(toolCall(block, at))
        control = block.cache_control ?? control
        break
      default:
        throw refused(`${at}.type`, 'this kind of content in an assistant\'s message')
    }
  }
  return cached({
    role: 'assistant',
    content: texts.length === 0 && calls.length > 0 ? null : contentOf(texts),
    ...reasoningFields(reasoning.blocks),
    ...(calls.length === 0 ? {} : { tool_calls: calls })
  }, control)
}

function toolCall ({ id, name, input, caller, toolset_name: toolset, extra_content: extra }: ToolUseBlock, at: string): FunctionToolCall {
  if (caller != null && caller.type !== 'direct') throw refused(`${at}.caller`, 'calls that other tools made')
  if (toolset != null) throw refused(`${at}.toolset_name`, 'toolsets')
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) }, ...(extra == null ? {} : { extra_content: extra }) }
}

// ---- the hint of the whole request

/** Calls and results have their hint on the message, everything else on its last part. */
function cachedToItsEnd (message: Message, control: CacheControl): Message {
  if (message.role === 'tool' || (message.role === 'assistant' && message.tool_calls != null)) {
    return cacheControlOf(message) === undefined ? withCacheControl(message, control) : message
  }
  if (message.role === 'function' || message.content == null || message.content === '') return message
  const parts = typeof message.content === 'string' ? [{ type: 'text' as const, text: message.content }] : message.content
  const last = parts.at(-1)
  if (last === undefined || cacheControlOf(last) !== undefined) return message
  return { ...message, content: [...parts.slice(0, -1), withCacheControl(last, control)] }
}
