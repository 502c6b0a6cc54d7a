import type { ContentBlock, SystemContentBlock, ToolUseBlock } from '@aws-sdk/client-bedrock-runtime'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { AssistantMessage, Content, Message, ToolCall, ToolMessage } from '../../schemas/messages.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { Base64Bytes } from './base64-bytes.ts'
import { DocumentNames, documentBlock, imageBlock } from './attachments.ts'
import { isDocumentObject } from './document.ts'
import type { JsonDocument } from './document.ts'
import { unsupported } from './errors.ts'

/**
 * The messages of a chat request as Converse's.
 *
 * Converse wants user and assistant in turn, the user first, no blank text, and the results of all tool calls of a turn
 * in the one message after it. So messages of one side are joined, blank text is left out, a message without anything
 * is left out as a whole, and where the assistant would speak first, the user says "{@link OPENING}" before.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
 */

/** What the user says where the conversation would begin with the assistant, or has no message but the system's. */
export const OPENING = '.'
/** The result of a tool that answered with nothing; Converse refuses a blank one. */
export const NO_OUTPUT = '(no output)'

/** One turn. */
export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: ContentBlock[]
}

export interface Conversation {
  readonly system: SystemContentBlock[]
  readonly messages: Turn[]
  /** Whether tools were called in it: Converse then demands their declarations. */
  readonly usesTools: boolean
}

/** Blocks that stand in messages and in tool results alike. */
type PlainBlock = ContentBlock.TextMember | ContentBlock.ImageMember | ContentBlock.DocumentMember

/** @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param` */
export function conversationOf (history: readonly Message[]): Conversation {
  const system: SystemContentBlock[] = []
  const messages: Turn[] = []
  const names = new DocumentNames()
  let usesTools = false
  const add = (role: Turn['role'], blocks: readonly ContentBlock[]): void => {
    const last = messages.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else if (blocks.length > 0) messages.push({ role, content: [...blocks] })
    usesTools ||= blocks.some(({ toolUse, toolResult }) => toolUse !== undefined || toolResult !== undefined)
  }

  for (const [index, message] of history.entries()) {
    const at = `messages[${index}]`
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(...textsOf(message.content, at))
        break
      case 'user':
        add('user', blocksOf(message.content, names, at))
        break
      case 'assistant':
        add('assistant', assistantBlocks(message, names, at))
        break
      case 'tool':
        add('user', [toolResult(message, names, at)])
        break
      case 'function':
        throw unsupported(`${at}.role`, 'the deprecated role "function"')
    }
  }
  if (messages[0]?.role !== 'user') messages.unshift({ role: 'user', content: [{ text: OPENING }] })
  return { system, messages, usesTools }
}

function isBlank (text: string): boolean { return text.trim() === '' }

function textBlocks (text: string): ContentBlock.TextMember[] { return isBlank(text) ? [] : [{ text }] }

/** Content in which only text can stand. */
function textsOf (content: Content, at: string): ContentBlock.TextMember[] {
  if (typeof content === 'string') return textBlocks(content)
  return content.flatMap((part, index) => {
    if (part.type !== 'text') throw unsupported(`${at}.content[${index}].type`, 'anything but text in a system message')
    return textBlocks(part.text)
  })
}

function blocksOf (content: Content, names: DocumentNames, at: string): PlainBlock[] {
  if (typeof content === 'string') return textBlocks(content)
  return content.flatMap((part, index): PlainBlock[] => {
    const field = `${at}.content[${index}]`
    switch (part.type) {
      case 'text': return textBlocks(part.text)
      case 'refusal': return textBlocks(part.refusal)
      case 'image_url': return [imageBlock(part.image_url.url, `${field}.image_url.url`)]
      case 'file': return [documentBlock(part.file, names, `${field}.file`)]
      case 'input_audio': throw unsupported(`${field}.input_audio`, 'audio')
      default: throw unsupported(`${field}.type`, 'this kind of content')
    }
  })
}

/** Reasoning goes first: models that sign it demand it there. */
function assistantBlocks (message: AssistantMessage, names: DocumentNames, at: string): ContentBlock[] {
  if (message.function_call != null) throw unsupported(`${at}.function_call`, 'the deprecated field function_call')
  return [
    ...reasoningBlocks(message),
    ...blocksOf(message.content ?? '', names, at),
    ...textBlocks(message.refusal ?? ''),
    ...(message.tool_calls ?? []).map((call, index) => ({ toolUse: toolUse(call, `${at}.tool_calls[${index}]`) }))
  ]
}

/**
 * The reasoning of an earlier answer, as `response.ts` gave it out: `reasoning_signature` beside `reasoning_content`, and
 * `reasoning_redacted`. Without a signature it is left out, since a model takes back only what it has signed.
 */
function reasoningBlocks (message: JsonObject): ContentBlock[] {
  const { reasoning_content: text, reasoning_signature: signature, reasoning_redacted: redacted } = message
  const blocks: ContentBlock[] = []
  if (typeof text === 'string' && text !== '' && typeof signature === 'string' && signature !== '') {
    blocks.push({ reasoningContent: { reasoningText: { text, signature } } })
  }
  if (typeof redacted === 'string' && redacted !== '') {
    blocks.push({ reasoningContent: { redactedContent: Base64Bytes.fromText(redacted) } })
  }
  return blocks
}

function toolUse (call: ToolCall, at: string): ToolUseBlock {
  if (call.type !== 'function') throw unsupported(`${at}.type`, 'calls of custom tools')
  return { toolUseId: call.id, name: call.function.name, input: argumentsOf(call.function.arguments, `${at}.function.arguments`) }
}

/** @throws {UpstreamError} `invalid_request`: not a JSON object. An empty text stands for an empty object. */
function argumentsOf (text: string, param: string): JsonDocument {
  if (isBlank(text)) return {}
  const invalid = new UpstreamError('invalid_request', 'The arguments of a tool call are not a JSON object.', { status: 400, param })
  try {
    const input: unknown = JSON.parse(text)
    if (isDocumentObject(input)) return input
  } catch {
    throw invalid
  }
  throw invalid
}

/** As text, character for character: what a tool returned is not for the gateway to read. */
function toolResult ({ content, tool_call_id: toolUseId }: ToolMessage, names: DocumentNames, at: string): ContentBlock.ToolResultMember {
  const blocks = blocksOf(content, names, at)
  return { toolResult: { toolUseId, content: blocks.length > 0 ? blocks : [{ text: NO_OUTPUT }] } }
}
