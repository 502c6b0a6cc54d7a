/**
 * What a consumer gets of a completion stream, chunk by chunk, to its end.
 */
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { objectOf } from './chat-client.ts'

export interface CollectedStream {
  readonly chunks: readonly JsonObject[]
  /** Of the one choice. */
  readonly text: string
  /** How often the role was named. */
  readonly roles: number
  readonly finishReasons: readonly unknown[]
  /** What came instead of an end. */
  readonly error: unknown
}

/** A stream's chunks as they came, and what came instead of an end. */
export async function chunksOf ({ queue }: Pick<CompletionStream, 'queue'>): Promise<{ chunks: string[], error?: unknown }> {
  const chunks: string[] = []
  try {
    for await (const json of queue) chunks.push(json)
    return { chunks }
  } catch (error) {
    return { chunks, error }
  }
}

/** Reads a stream to its end. */
export async function collected (stream: Pick<CompletionStream, 'queue'>): Promise<CollectedStream> {
  const { chunks: texts, error } = await chunksOf(stream)
  const chunks = texts.map(objectOf)
  return { ...accumulated(chunks), chunks, error }
}

/** What chunks add up to. */
export function accumulated (chunks: readonly JsonObject[]): Pick<CollectedStream, 'text' | 'roles' | 'finishReasons'> {
  let text = ''
  let roles = 0
  const finishReasons: unknown[] = []
  for (const { choices } of chunks) {
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
    if (!isJsonObject(choice)) continue
    const delta = isJsonObject(choice['delta']) ? choice['delta'] : {}
    if (delta['role'] !== undefined) roles++
    if (typeof delta['content'] === 'string') text += delta['content']
    if (choice['finish_reason'] != null) finishReasons.push(choice['finish_reason'])
  }
  return { text, roles, finishReasons }
}
