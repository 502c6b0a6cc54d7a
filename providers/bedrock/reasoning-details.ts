import type { ContentBlock } from '@aws-sdk/client-bedrock-runtime'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { Base64Bytes } from './base64-bytes.ts'
import type { Model } from './model.ts'

/**
 * What a caller sends back with the next turn so that the model finds its reasoning again: models that sign their
 * reasoning take it back only block by block, with the signature, and word for word. In a stream each delta holds
 * increments; the entries of one index make up a block.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export type ReasoningDetail =
  /** `index`: the number of the reasoning block within the answer, from 0. */
  | { readonly type: 'reasoning.text', readonly index: number, readonly text?: string, readonly signature?: string }
  /** Reasoning that the model keeps to itself; base64. */
  | { readonly type: 'reasoning.encrypted', readonly index: number, readonly data: string }

interface Gathered {
  text: string
  signature: string
  readonly data: Base64Bytes[]
}

/**
 * The reasoning of an earlier answer as blocks, for the model that is asked now. Left out is what it would refuse:
 *
 * - what only the vendor that made it can read (a signature, encrypted data), for models of another vendor;
 * - what is not signed, for Anthropic's models, which demand the signature, and for DeepSeek's, which take none back;
 * - `reasoning_content` alone, and details in another vendor's format.
 *
 * @param message of the assistant, as it came
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningTextBlock.html
 */
export function reasoningBlocks (message: JsonObject, { vendor }: Model): ContentBlock.ReasoningContentMember[] {
  const signs = vendor === 'anthropic' || vendor === 'hidden'
  const takesUnsigned = vendor !== 'anthropic' && vendor !== 'deepseek'
  return gathered(message['reasoning_details']).flatMap(({ text, signature, data }): ContentBlock.ReasoningContentMember[] => [
    ...(text !== '' && signature !== '' && signs ? [{ reasoningContent: { reasoningText: { text, signature } } }] : []),
    ...(text !== '' && signature === '' && takesUnsigned ? [{ reasoningContent: { reasoningText: { text } } }] : []),
    ...(signs ? data.map(redactedContent => ({ reasoningContent: { redactedContent } })) : [])
  ])
}

/** Entries by index, in order; such without an index stand alone. */
function gathered (details: unknown): Gathered[] {
  if (!Array.isArray(details)) return []
  const blocks = new Map<unknown, Gathered>()
  for (const detail of details) {
    if (!isJsonObject(detail) || !isReadable(detail['format'])) continue
    const { type, index = Symbol('alone'), text, signature, data } = detail
    const block = blocks.get(index) ?? { text: '', signature: '', data: [] }
    blocks.set(index, block)
    if (type === 'reasoning.text') {
      if (typeof text === 'string') block.text += text
      if (typeof signature === 'string' && signature !== '') block.signature = signature
    } else if (type === 'reasoning.encrypted' && typeof data === 'string' && data !== '') {
      block.data.push(Base64Bytes.fromText(data))
    }
  }
  return [...blocks.values()]
}

/** OpenRouter names the format of what other vendors have made. */
function isReadable (format: unknown): boolean {
  return typeof format !== 'string' || format === 'unknown' || format.startsWith('anthropic')
}
