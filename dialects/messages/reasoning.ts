import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/**
 * What a model thought, in the core's two fields: `reasoning_content` to read, and `reasoning_details` to send back,
 * whose entries of one index are one block.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */

/** One block, or in a stream a piece of one: text is to be joined, a signature replaces the one before. */
export type ReasoningBlock =
  | { readonly type: 'reasoning.text', readonly text: string, readonly signature?: string }
  /** What the model keeps to itself. */
  | { readonly type: 'reasoning.encrypted', readonly data: string }

/** A piece, and the block that it belongs to. */
export interface ReasoningPiece {
  readonly key: string
  readonly block: ReasoningBlock
}

/** The blocks of one answer, of its pieces or one by one. */
export class ReasoningBlocks {
  readonly #blocks = new Map<string, ReasoningBlock>()

  get blocks (): ReasoningBlock[] { return [...this.#blocks.values()] }

  /** @param key the block that it is a piece of; a block of its own unless it is given */
  add (block: ReasoningBlock, key = String(this.#blocks.size)): void {
    this.#blocks.set(key, joined(this.#blocks.get(key), block))
  }
}

function joined (before: ReasoningBlock | undefined, block: ReasoningBlock): ReasoningBlock {
  if (before?.type === 'reasoning.text' && block.type === 'reasoning.text') return { ...before, ...block, text: before.text + block.text }
  if (before?.type === 'reasoning.encrypted' && block.type === 'reasoning.encrypted') return { ...block, data: before.data + block.data }
  return block
}

/** The fields of an assistant's message. */
export function reasoningFields (blocks: readonly ReasoningBlock[]): JsonObject {
  if (blocks.length === 0) return {}
  const text = blocks.map(block => block.type === 'reasoning.text' ? block.text : '').join('')
  return {
    ...(text === '' ? {} : { reasoning_content: text }),
    reasoning_details: blocks.map((block, index) => ({ ...block, index }))
  }
}

/**
 * The pieces in a message or delta. Text that comes without details is that of the first block; where both are there,
 * they say the same. `reasoning` is what some compatible servers call `reasoning_content`.
 */
export function reasoningOf ({ reasoning_content: content, reasoning, reasoning_details: details }: JsonObject): ReasoningPiece[] {
  const pieces = Array.isArray(details) ? details.flatMap((detail, place) => pieceOf(detail, place)) : []
  if (pieces.some(({ block }) => block.type === 'reasoning.text' && block.text !== '')) return pieces
  const text = typeof content === 'string' && content !== '' ? content : reasoning
  return typeof text === 'string' && text !== '' ? [{ key: 'reasoning.text 0', block: { type: 'reasoning.text', text } }, ...pieces] : pieces
}

function pieceOf (detail: unknown, place: number): ReasoningPiece[] {
  if (!isJsonObject(detail)) return []
  const { type, index = place, text, signature, data } = detail
  const key = `${String(type)} ${String(index)}`
  switch (type) {
    case 'reasoning.text': {
      const said = typeof text === 'string' ? text : ''
      const signed = typeof signature === 'string' && signature !== ''
      return said === '' && !signed ? [] : [{ key, block: { type, text: said, ...(signed ? { signature } : {}) } }]
    }
    case 'reasoning.encrypted':
      return typeof data === 'string' && data !== '' ? [{ key, block: { type, data } }] : []
    default:
      return []
  }
}
