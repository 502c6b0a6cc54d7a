import type { TextPart } from '@google/generative-ai'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { isToolError } from '../../schemas/carried.ts'
import type { AssistantMessage, Content, FunctionMessage, Message, ToolCall, ToolMessage } from '../../schemas/messages.ts'
import { isJsonObject, jsonValue } from '../../schemas/json-object.ts'
import { contentPart, mediaAt, textParts } from './media.ts'
import { signatureOf } from './signature.ts'
import { unsupported } from './unsupported.ts'
import { generationOf } from './wire.ts'
import type { CallPart, ContentPart, RequestPart, ResultPart, Turn } from './wire.ts'

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
/** Also the version since which a function's response may hold media. */
const SIGNED_SINCE = 3

/**
 * Translates the messages of a request.
 * @param model decides whether unsigned calls need a stand-in for their signature, and what media are taken
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
        system.push(...textsOf(someOf(message.content, path), path).map(text => ({ text })))
        break
      case 'user':
        add('user', partsOf(someOf(message.content, path), path, model))
        break
      case 'assistant':
        noteCalls(message, callNames, path)
        add('model', spoken(message, path, model))
        break
      case 'tool':
        add('user', [resultOf(message, callNames, path, model)])
        break
      case 'function':
        add('user', [namedResult(message)])
        break
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

function noteCalls ({ tool_calls: calls }: AssistantMessage, callNames: Map<string, string>, path: string): void {
  const ids = new Set<string>()
  calls?.forEach((call, j) => {
    if (ids.has(call.id)) throw invalid(`${path}.tool_calls[${j}].id`, 'is the id of another call of the same message')
    ids.add(call.id)
    if (call.type === 'function') callNames.set(call.id, call.function.name)
  })
}

function spoken (message: AssistantMessage, path: string, model: string): RequestPart[] {
  if ('audio' in message && message.audio != null) throw unsupported(`${path}.audio`, 'it does not take back audio that it said')
  // Its `reasoning_content` was for the reader: Gemini takes its own thoughts back as signatures only.
  const said: ContentPart[] = [
    ...(message.content == null ? [] : partsOf(message.content, path, model)),
    ...textParts(message.refusal ?? '')
  ]
  const images = imagesOf(message, path, model)
  const signature = signatureOf(message)
  if (signature !== undefined) {
    const last = said.at(-1)
    // In a stream it comes with an empty text, and may come with nothing else.
    if (last === undefined || !('text' in last)) said.push({ text: '', thoughtSignature: signature })
    else last.thoughtSignature = signature
  }
  const { function_call: named } = message
  return [
    ...said,
    ...images,
    ...(named == null ? [] : [callOf(undefined, named, signatureOf(named), `${path}.function_call`)]),
    ...(message.tool_calls ?? []).map((call, j) => toolCallOf(call, `${path}.tool_calls[${j}]`))
  ]
}

/** Images that the model made, in the field that the gateway answers with. */
function imagesOf (message: AssistantMessage, path: string, model: string): ContentPart[] {
  const images: unknown = 'images' in message ? message.images : undefined
  if (!Array.isArray(images)) return []
  return images.map((image: unknown, j) => {
    const place = isJsonObject(image) ? image['image_url'] : undefined
    const url = isJsonObject(place) ? place['url'] : undefined
    if (!isJsonObject(image) || typeof url !== 'string') throw invalid(`${path}.images[${j}]`, 'is no image by URL')
    const signature = signatureOf(image)
    return { ...mediaAt(url, `${path}.images[${j}].image_url.url`, model), ...(signature === undefined ? {} : { thoughtSignature: signature }) }
  })
}

function toolCallOf (call: ToolCall, path: string): CallPart {
  if (call.type !== 'function') throw unsupported(`${path}.type`, 'it knows function calls only')
  return callOf(call.id, call.function, signatureOf(call), `${path}.function`)
}

function callOf (id: string | undefined, { name, arguments: text }: { name: string, arguments: string }, signature: string | undefined, path: string): CallPart {
  // Some servers send no arguments as an empty string.
  const args = text.trim() === '' ? {} : jsonValue(text)
  if (!isJsonObject(args)) throw unsupported(`${path}.arguments`, 'they must be a JSON object')
  return { functionCall: { ...(id === undefined ? {} : { id }), name, args }, ...(signature === undefined ? {} : { thoughtSignature: signature }) }
}

// ---- tool results

function resultOf (message: ToolMessage, callNames: ReadonlyMap<string, string>, path: string, model: string): ResultPart {
  const { tool_call_id: id, content } = message
  const name = callNames.get(id)
  if (name === undefined) throw invalid(`${path}.tool_call_id`, 'names no tool call before it')
  const { text, media } = resultContent(content, path, model)
  const response = isToolError(message) ? { error: valueOf(text) } : responseOf(text)
  return { functionResponse: { id, name, response, ...(media.length === 0 ? {} : { parts: media }) } }
}

/** The deprecated form, which has no ids. Gemini matches results by name as well. */
function namedResult ({ name, content }: FunctionMessage): ResultPart {
  return { functionResponse: { name, response: responseOf(content ?? '') } }
}

/** The API wants an object; what is none goes under a name that no tool is likely to mean otherwise. */
function responseOf (text: string): object {
  const value = valueOf(text)
  return isJsonObject(value) ? value : { result: value }
}

function valueOf (text: string): unknown {
  const value = jsonValue(text)
  return value === undefined ? text : value
}

function resultContent (content: Content, path: string, model: string): { text: string, media: Array<Extract<ContentPart, { inlineData: object }>> } {
  if (typeof content === 'string') return { text: content, media: [] }
  const texts: string[] = []
  const media: Array<Extract<ContentPart, { inlineData: object }>> = []
  content.forEach((part, j) => {
    if (part.type === 'text') {
      texts.push(part.text)
      return
    }
    const place = `${path}.content[${j}]`
    if ((generationOf(model) ?? 0) < SIGNED_SINCE) throw unsupported(`${place}.type`, 'this model takes nothing but text as the result of a tool')
    for (const translated of contentPart(part, place, model)) {
      if (translated.inlineData === undefined) throw unsupported(`${place}.type`, 'the result of a tool can hold text and media as data')
      media.push(translated)
    }
  })
  return { text: texts.join('\n'), media }
}

// ---- content

/** An empty list says nothing, not even nothing. */
function someOf (content: Content, path: string): Content {
  if (typeof content !== 'string' && content.length === 0) throw invalid(`${path}.content`, 'is an empty list')
  return content
}

function textsOf (content: Content, path: string): string[] {
  if (typeof content === 'string') return content === '' ? [] : [content]
  return content.flatMap((part, j) => {
    if (part.type !== 'text') throw unsupported(`${path}.content[${j}].type`, 'only text can stand in a message of this role')
    return part.text === '' ? [] : [part.text]
  })
}

function partsOf (content: Content, path: string, model: string): ContentPart[] {
  return typeof content === 'string' ? textParts(content) : content.flatMap((part, j) => contentPart(part, `${path}.content[${j}]`, model))
}

function invalid (param: string, what: string): UpstreamError {
  return new UpstreamError('invalid_request', `${param} ${what}.`, { param })
}
