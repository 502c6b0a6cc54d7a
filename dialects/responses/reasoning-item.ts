import type { JsonObject } from '../../schemas/json-object.ts'
import type { ItemStatus, ReasoningItem as Item } from '../../schemas/responses-output.ts'
import type { Emit, Place } from './message-item.ts'
import { joinDetails } from './reasoning-details.ts'
import { encodeSentBack } from './sent-back.ts'
import type { SentBack } from './sent-back.ts'

/** How reasoning is shown. */
export interface ReasoningView {
  /** As a summary, which the caller asked for, or else as the content of the item. */
  readonly summary: boolean
  /** Whether `encrypted_content` comes with every reasoning item; else only where a provider wants something back. */
  readonly encrypted: boolean
}

/** What the model thinks, until it says something or calls a tool. */
export class ReasoningItem {
  readonly item: Item
  readonly #place: Place
  readonly #emit: Emit
  readonly #view: ReasoningView
  #text = ''
  readonly #details: JsonObject[] = []

  constructor (id: string, index: number, emit: Emit, view: ReasoningView) {
    this.item = { type: 'reasoning', id, status: 'in_progress', summary: [] }
    this.#place = { item_id: id, output_index: index }
    this.#emit = emit
    this.#view = view
    emit({ type: 'response.output_item.added', output_index: index, item: this.item })
  }

  think (delta: string, details: readonly JsonObject[]): void {
    this.#details.push(...details)
    if (delta === '') return
    if (this.#text === '') this.#begin()
    this.#text += delta
    if (this.#view.summary) this.#emit({ type: 'response.reasoning_summary_text.delta', ...this.#place, summary_index: 0, delta })
    else this.#emit({ type: 'response.reasoning_text.delta', ...this.#place, content_index: 0, delta })
  }

  /** @param extras what the provider wants back beside the reasoning */
  end (status: ItemStatus, extras: Pick<SentBack, 'message' | 'calls'> = {}): void {
    const { item } = this
    if (this.#text !== '') this.#finish()
    const details = joinDetails(this.#details)
    if (this.#view.encrypted || details.length > 0 || extras.message !== undefined) {
      item.encrypted_content = encodeSentBack({ reasoning: this.#text, details, ...extras })
    }
    item.status = status
    this.#emit({ type: 'response.output_item.done', output_index: this.#place.output_index, item })
  }

  #begin (): void {
    if (this.#view.summary) this.#emit({ type: 'response.reasoning_summary_part.added', ...this.#place, summary_index: 0, part: { type: 'summary_text', text: '' } })
    else this.#emit({ type: 'response.content_part.added', ...this.#place, content_index: 0, part: { type: 'reasoning_text', text: '' } })
  }

  #finish (): void {
    const text = this.#text
    if (this.#view.summary) {
      const part = { type: 'summary_text' as const, text }
      this.#emit({ type: 'response.reasoning_summary_text.done', ...this.#place, summary_index: 0, text })
      this.#emit({ type: 'response.reasoning_summary_part.done', ...this.#place, summary_index: 0, part })
      this.item.summary = [part]
    } else {
      const part = { type: 'reasoning_text' as const, text }
      this.#emit({ type: 'response.reasoning_text.done', ...this.#place, content_index: 0, text })
      this.#emit({ type: 'response.content_part.done', ...this.#place, content_index: 0, part })
      this.item.content = [part]
    }
  }
}
