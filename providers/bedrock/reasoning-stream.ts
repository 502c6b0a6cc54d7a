import type { ReasoningDetail } from './reasoning-details.ts'
import type { AnswerDelta } from './wire.ts'

/** A delta with reasoning: what callers show, and beside it what they send back. */
interface ReasoningDelta {
  readonly reasoning_content?: string
  reasoning_details: ReasoningDetail[]
}

/** The reasoning of one streamed answer, whose blocks are counted as they come. */
export class ReasoningStream {
  readonly #indexes = new Map<number, number>()

  /** @param block the content block that the piece belongs to */
  deltaOf (block: number, { text, signature, redactedContent }: NonNullable<AnswerDelta['reasoningContent']>): ReasoningDelta | undefined {
    if (text) return { reasoning_content: text, reasoning_details: [{ type: 'reasoning.text', index: this.#indexOf(block), text }] }
    if (signature) return { reasoning_details: [{ type: 'reasoning.text', index: this.#indexOf(block), signature }] }
    if (redactedContent) return { reasoning_details: [{ type: 'reasoning.encrypted', index: this.#indexOf(block), data: redactedContent }] }
    return undefined
  }

  #indexOf (block: number): number {
    const known = this.#indexes.get(block)
    if (known !== undefined) return known
    const index = this.#indexes.size
    this.#indexes.set(block, index)
    return index
  }
}
