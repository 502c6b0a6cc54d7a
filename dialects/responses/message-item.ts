import type { JsonObject } from '../../schemas/json-object.ts'
import type { ResponsesEvent } from '../../schemas/responses-events.ts'
import type { Annotation, ItemStatus, Logprob, OutputMessage, OutputRefusal, OutputText } from '../../schemas/responses-output.ts'

/** Takes the events of an answer, in order. What it is given may change later: it is to be written at once. */
export type Emit = (event: ResponsesEvent) => void

/** Where an item stands in its answer. */
export interface Place {
  readonly item_id: string
  readonly output_index: number
}

/**
 * What the assistant says. It stays open until the answer ends, since text may go on after a call, and citations of it
 * may come at the very end; so it has one text and one refusal, as the core's message.
 */
export class MessageItem {
  readonly item: OutputMessage
  readonly #place: Place
  readonly #emit: Emit
  #text: { readonly part: OutputText, readonly at: Place & { readonly content_index: number } } | undefined
  #refusal: { readonly part: OutputRefusal, readonly at: Place & { readonly content_index: number } } | undefined

  constructor (id: string, index: number, emit: Emit) {
    this.item = { type: 'message', id, role: 'assistant', status: 'in_progress', content: [] }
    this.#place = { item_id: id, output_index: index }
    this.#emit = emit
    emit({ type: 'response.output_item.added', output_index: index, item: this.item })
  }

  /** Whether it has said anything, or refused alone. */
  get hasText (): boolean { return this.#text !== undefined }

  say (delta: string, logprobs: readonly Logprob[]): void {
    const { part, at } = this.#textPart()
    part.text += delta
    part.logprobs.push(...logprobs)
    this.#emit({ type: 'response.output_text.delta', ...at, delta, logprobs: [...logprobs] })
  }

  annotate (annotation: Annotation): void {
    const { part, at } = this.#textPart()
    part.annotations.push(annotation)
    this.#emit({ type: 'response.output_text.annotation.added', ...at, annotation_index: part.annotations.length - 1, annotation })
  }

  refuse (delta: string): void {
    if (this.#refusal === undefined) {
      this.#refusal = { part: { type: 'refusal', refusal: '' }, at: { ...this.#place, content_index: this.item.content.length } }
      this.#add(this.#refusal)
    }
    const { part, at } = this.#refusal
    part.refusal += delta
    this.#emit({ type: 'response.refusal.delta', ...at, delta })
  }

  /** @param extra what the provider wants back beside it */
  end (status: ItemStatus, extra: JsonObject | undefined): void {
    const emit = this.#emit
    const [text, refusal] = [this.#text, this.#refusal]
    const ends = [
      text === undefined
        ? undefined
        : { ...text, done: { type: 'response.output_text.done', ...text.at, text: text.part.text, logprobs: text.part.logprobs } as const },
      refusal === undefined
        ? undefined
        : { ...refusal, done: { type: 'response.refusal.done', ...refusal.at, refusal: refusal.part.refusal } as const }
    ].filter(part => part !== undefined).sort((a, b) => a.at.content_index - b.at.content_index)
    for (const { done, at, part } of ends) {
      emit(done)
      emit({ type: 'response.content_part.done', ...at, part })
    }
    this.item.status = status
    if (extra !== undefined) this.item.extra_content = extra
    emit({ type: 'response.output_item.done', output_index: this.#place.output_index, item: this.item })
  }

  #textPart (): { readonly part: OutputText, readonly at: Place & { readonly content_index: number } } {
    if (this.#text === undefined) {
      this.#text = { part: { type: 'output_text', text: '', annotations: [], logprobs: [] }, at: { ...this.#place, content_index: this.item.content.length } }
      this.#add(this.#text)
    }
    return this.#text
  }

  #add ({ part, at }: { readonly part: OutputText | OutputRefusal, readonly at: Place & { readonly content_index: number } }): void {
    this.item.content.push(part)
    this.#emit({ type: 'response.content_part.added', ...at, part })
  }
}
