import type { TextPart } from '@google/generative-ai'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { AssistantMessage, Content, ContentPart, Message, ToolCall, ToolMessage } from '../../schemas/messages.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { jsonValue } from './json.ts'
import { unsupported } from './unsupported.ts'
import { generationOf } from './wire.ts'
import type { CallPart, RequestPart, ResultPart, Turn } from './wire.ts'

/** A conversation in Gemini's form. */
export interface Conversation {
  /** System and developer messages, in order; their place among the others is lost, as Gemini has none for them. */
  readonly system: TextPart[]
  readonly turns: Turn[]
}

/**
 * What stands for the signature of a call that has none, because another provider or the caller made it up: Gemini 3
 * refuses a turn whose first call is unsigned.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
 */
const SIGNATURE_OF_OTHERS = 'skip_thought_signature_validator'
const SIGNED_SINCE = 3

/**
 * Translates the messages of a request.
 * @param model decides whether unsigned calls need a stand-in for their signature
 * @throws {UpstreamError} `unsupported`, or `invalid_request` for a tool result without its call
 */
export function conversationOf (messages: readonly Message[], model: string): Conversation {
  const system: TextPart[] = []
  const turns: Turn[] = []
  /** Names of the calls by id: OpenAI's tool results carry the id alone, Gemini's must have the name. */
  const callNames = new Map<string, string>()

  const add = (role: Turn['role'], parts: readonly RequestPart[]): void => {
    if (parts.length === 0) return
    const last = turns.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else turns.push({ role, parts: [...parts] })
  }

  messages.forEach((message, i) => {
    const path = `messages[${i}]`
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(...textsOf(message.content, path).map(text => ({ text })))
        break
      case 'user':
        add('user', partsOf(message.content, path))
        break
      case 'assistant':
        for (const { id, name } of namedCalls(message)) callNames.set(id, name)
        add('model', spoken(message, path))
        break
      case 'tool':
        add('user', [resultOf(message, callNames, path)])
        break
      case 'function':
        throw unsupported(`${path}.role`, 'the deprecated function messages are not translated, send tool messages')
    }
  })

  if ((generationOf(model) ?? 0) >= SIGNED_SINCE) for (const { parts } of turns) signFirstCall(parts)
  return { system, turns }
}

function signFirstCall (parts: readonly RequestPart[]): void {
  for (const part of parts) {
    if (!isCall(part)) continue
    part.thoughtSignature ??= SIGNATURE_OF_OTHERS
    return
  }
}

function isCall (part: RequestPart): part is CallPart {
  return part.functionCall !== undefined
}

// ---- the assistant

function namedCalls ({ tool_calls: calls }: AssistantMessage): Array<{ id: string, name: string }> {
  return (calls ?? []).flatMap(call => call.type === 'function' ? [{ id: call.id, name: call.function.name }] : [])
}

function spoken (message: AssistantMessage, path: string): RequestPart[] {
  if (message.function_call != null) throw unsupported(`${path}.function_call`, 'the deprecated function calls are not translated, send tool_calls')
  if ('audio' in message && message.audio != null) throw unsupported(`${path}.audio`, 'it does not take back audio that it said')
  // Its `reasoning_content` was for the reader: Gemini takes its own thoughts back as signatures only.
  return [
    ...(message.content == null ? [] : partsOf(message.content, path)),
    ...textParts(message.refusal ?? ''),
    ...(message.tool_calls ?? []).map((call, j) => callOf(call, `${path}.tool_calls[${j}]`))
  ]
}

function callOf (call: ToolCall, path: string): CallPart {
  if (call.type !== 'function') throw unsupported(`${path}.type`, 'it knows function calls only')
  const { id, function: { name, arguments: text } } = call
  // Some servers send no arguments as an empty string.
  const args = text.trim() === '' ? {} : jsonValue(text)
  if (!isJsonObject(args)) throw unsupported(`${path}.function.arguments`, 'they must be a JSON object')
  const signature = signatureOf(call)
  return { functionCall: { id, name, args }, ...(signature === undefined ? {} : { thoughtSignature: signature }) }
}

/**
 * The thought signature in a call that this provider answered with, in the field of Google's own OpenAI endpoint.
 * @see https://ai.google.dev/gemini-api/docs/openai
 */
function signatureOf (call: ToolCall): string | undefined {
  const extra = 'extra_content' in call ? call.extra_content : undefined
  const google = isJsonObject(extra) ? extra['google'] : undefined
  const signature = isJsonObject(google) ? google['thought_signature'] : undefined
  return typeof signature === 'string' && signature !== '' ? signature : undefined
}

// ---- tool results

function resultOf ({ tool_call_id: id, content }: ToolMessage, callNames: ReadonlyMap<string, string>, path: string): ResultPart {
  const name = callNames.get(id)
  if (name === undefined) {
    throw new UpstreamError('invalid_request', `${path}.tool_call_id names no tool call before it.`, { param: `${path}.tool_call_id` })
  }
  const text = textsOf(content, path).join('\n')
  const value = jsonValue(text)
  // The API wants an object; what is none goes under the name that its documentation proposes.
  const response = isJsonObject(value) ? value : { result: value === undefined ? text : value }
  return { functionResponse: { id, name, response } }
}

// ---- content

/** Empty text is left out: the API refuses it, and it says nothing. */
function textParts (text: string): TextPart[] {
  return text === '' ? [] : [{ text }]
}

function textsOf (content: Content, path: string): string[] {
  if (typeof content === 'string') return content === '' ? [] : [content]
  return content.map((part, j) => {
    if (part.type !== 'text') throw unsupported(`${path}.content[${j}].type`, 'only text can stand in a message of this role')
    return part.text
  })
}

function partsOf (content: Content, path: string): RequestPart[] {
  if (typeof content === 'string') return textParts(content)
  return content.flatMap((part, j) => mediaOrText(part, `${path}.content[${j}]`))
}

function mediaOrText (part: ContentPart, path: string): RequestPart[] {
  switch (part.type) {
    case 'text': return textParts(part.text)
    case 'refusal': return textParts(part.refusal)
    case 'image_url': {
      // `detail` is a hint about cost. A URL would have to be fetched, by Google or by us: neither is safe to promise.
      const inlineData = dataOf(part.image_url.url)
      if (inlineData === undefined) throw unsupported(`${path}.image_url.url`, 'an image must come as a base64 data: URL')
      return [{ inlineData }]
    }
    case 'input_audio': return [{ inlineData: { mimeType: `audio/${part.input_audio.format}`, data: part.input_audio.data } }]
    case 'file': {
      const { file_data: data } = part.file
      if (data === undefined) throw unsupported(`${path}.file.file_id`, 'a file must come as file_data')
      const inlineData = dataOf(data)
      if (inlineData === undefined) throw unsupported(`${path}.file.file_data`, 'a file must come as a base64 data: URL, which tells its type')
      return [{ inlineData }]
    }
    default: throw unsupported(`${path}.type`, 'it does not know this kind of content')
  }
}

/** Type and content of a base64 `data:` URL; undefined for any other. @see https://www.rfc-editor.org/rfc/rfc2397 */
function dataOf (url: string): { mimeType: string, data: string } | undefined {
  const comma = url.indexOf(',')
  if (comma === -1) return undefined
  const mimeType = /^data:([^;,\s]+)(?:;[^;,]*)*;base64$/i.exec(url.slice(0, comma))?.[1]
  return mimeType === undefined ? undefined : { mimeType, data: url.slice(comma + 1) }
}
