import { isToolError } from '../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { Content, ContentPart, Message } from '../../schemas/messages.ts'

/**
 * Fields that other targets answer with or take, the gateway's own translations among them, and that OpenAI and Azure
 * OpenAI refuse: a conversation may change its target between two turns. All is left as it is, and not copied, where there
 * is none of them.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */

/** Of an assistant's message: what came beside its content. */
const OF_ANSWERS = ['reasoning_content', 'reasoning', 'reasoning_details', 'annotations', 'images', 'extra_content'] as const
const OF_ANSWERS_AND_HINTS = [...OF_ANSWERS, 'cache_control'] as const
/** Of anything: the hint that the prompt be cached up to here. OpenAI caches by itself. */
const HINT = ['cache_control'] as const
const OF_CALLS = ['extra_content', 'cache_control'] as const

/** A request without such fields. */
export function withoutForeign (request: ChatCompletionRequest): ChatCompletionRequest {
  const messages = eachChanged(request.messages, nativeMessage)
  const tools = Array.isArray(request.tools) ? eachChanged(request.tools, tool => without(tool, HINT)) : undefined
  if (messages === request.messages && (tools === undefined || tools === request.tools)) return request
  return { ...request, messages, ...tools === undefined ? {} : { tools } }
}

function nativeMessage (message: Message): Message {
  const { content } = message
  const parts = Array.isArray(content) ? eachChanged<ContentPart>(content, part => without(part, HINT)) : undefined
  if (message.role !== 'assistant') {
    const own = without(message, HINT)
    return parts === undefined || parts === content || own.role === 'function' ? own : { ...own, content: parts }
  }
  const own = without(message, OF_ANSWERS_AND_HINTS)
  const calls = Array.isArray(message.tool_calls) ? eachChanged(message.tool_calls, call => without(call, OF_CALLS)) : message.tool_calls
  if (own === message && calls === message.tool_calls && (parts === undefined || parts === content)) return message
  return {
    ...own,
    // A message of thoughts alone is none without them.
    ...saysNothing(message) ? { content: '' } : parts === undefined ? {} : { content: parts },
    ...calls === message.tool_calls ? {} : { tool_calls: calls }
  }
}

function saysNothing (message: Message & { readonly role: 'assistant' }): boolean {
  return (message.content ?? message.refusal ?? message.tool_calls ?? message.function_call ?? null) === null && !('audio' in message)
}

const SAYS_SO = /^\s*error\b/i

/** A request whose failed tools say so in their content, the one place where this format can say it. */
export function toldInContent (request: ChatCompletionRequest): ChatCompletionRequest {
  const messages = eachChanged(request.messages, message => message.role === 'tool' && isToolError(message) ? { ...message, content: asError(message.content) } : message)
  return messages === request.messages ? request : { ...request, messages }
}

function asError (content: Content): Content {
  if (typeof content === 'string') return SAYS_SO.test(content) ? content : `Error: ${content}`
  const [first, ...others] = content
  if (first?.type !== 'text') return [{ type: 'text', text: 'Error:' }, ...content]
  return SAYS_SO.test(first.text) ? content : [{ ...first, text: `Error: ${first.text}` }, ...others]
}

/** The very same list if nothing in it is changed. */
function eachChanged<T> (list: T[], change: (item: T) => T): T[] {
  let changed: T[] | undefined
  for (const [at, item] of list.entries()) {
    const result = change(item)
    if (result !== item) (changed ??= [...list])[at] = result
  }
  return changed ?? list
}

/** The very same object if it has none of these fields. */
function without<T extends object> (value: T, fields: readonly string[]): T {
  if (!fields.some(field => field in value)) return value
  const copy = { ...value }
  for (const field of fields) Reflect.deleteProperty(copy, field)
  return copy
}
