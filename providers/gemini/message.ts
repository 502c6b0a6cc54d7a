import { randomUUID } from 'node:crypto'
import type { CompletionToolCall } from '../../schemas/chat-completion.ts'
import { Annotations } from './annotations.ts'
import type { Annotation } from './annotations.ts'
import type { Call, Candidate, Image } from './answer.ts'
import { signed } from './signature.ts'
import type { Signed } from './signature.ts'

/** What is known of an answer before it comes. */
export interface AnswerContext {
  /** Stands in where the answer does not name its model. */
  readonly model: string
  /** Unix time in seconds. */
  readonly created: number
  /** What must not be quoted of the upstream's errors. */
  readonly secrets: readonly string[]
  /** The request has the deprecated `functions`: calls are answered as `function_call`. Default false. */
  readonly functionCall?: boolean
}

/** What messages and deltas hold beyond the chat completions format, and what it has deprecated. */
export interface Extras extends Signed {
  /** Images that the model made. @see https://openrouter.ai/docs/features/multimodal/image-generation */
  images?: MessageImage[]
  annotations?: Annotation[]
  function_call?: { name: string, arguments: string } & Signed
}

export type MessageImage = { type: 'image_url', image_url: { url: string } } & Signed

/** The fields of a message or delta beside its texts and its tool calls. */
export function extrasOf ({ images, signature }: Candidate): Extras {
  return { ...(images.length === 0 ? {} : { images: images.map(imageOf) }), ...signed(signature) }
}

function imageOf ({ url, signature }: Image): MessageImage {
  return { type: 'image_url', image_url: { url }, ...signed(signature) }
}

/** A call, with an id of our own where it has none. */
export function toolCallOf ({ id, name, arguments: args, signature }: Call): CompletionToolCall & Signed {
  return { id: id ?? newId('call_'), type: 'function', function: { name, arguments: args }, ...signed(signature) }
}

/** The deprecated form knows one call: the first. The others the model makes again, once it has the result of that. */
export function functionCallOf (calls: readonly Call[]): Pick<Extras, 'function_call'> {
  const [call] = calls
  return call === undefined ? {} : { function_call: { name: call.name, arguments: call.arguments, ...signed(call.signature) } }
}

/** Whether the model has produced anything. */
export function hasOutput ({ text, reasoning, calls, images }: Candidate): boolean {
  return text !== '' || reasoning !== '' || calls.length > 0 || images.length > 0
}

/** Where the text of a whole answer comes from. */
export function annotationsOf (candidate: Candidate): Annotation[] {
  if (candidate.sources === undefined) return []
  const annotations = new Annotations()
  noteText(annotations, candidate, kind => annotations.part(kind))
  annotations.add(candidate.sources)
  return annotations.list()
}

/** Tells the text of an event of a stream, which goes on where the one before ended. */
export function noteEvent (annotations: Annotations, candidate: Candidate): void {
  noteText(annotations, candidate, (kind, length) => { if (kind === 'other' || length > 0) annotations.partOf(kind) })
  if (candidate.sources !== undefined) annotations.add(candidate.sources)
}

function noteText (annotations: Annotations, { parts, text }: Candidate, begin: (kind: Candidate['parts'][number]['kind'], length: number) => void): void {
  let at = 0
  for (const { kind, length } of parts) {
    begin(kind, length)
    if (length > 0) annotations.content(text.slice(at, at += length))
  }
}

/** An id that nobody else has. */
export function newId (prefix: string): string {
  return prefix + randomUUID().replaceAll('-', '')
}
