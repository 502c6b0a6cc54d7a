import type { ErrorOf } from '../dialect.ts'
import { GatewayError } from '../../errors/gateway-error.ts'
import { objectOf } from '../../schemas/json-object.ts'
import type { ResponsesEvent } from '../../schemas/responses-events.ts'
import type { BatchEncoder } from '../../streams/batch-pump.ts'
import { namedFrame } from '../../streams/sse-frames.ts'
import { errorEvent } from './error-event.ts'
import { ResponseInProgress, malformedAnswer } from './response.ts'
import type { AnswerContext } from './response.ts'

/**
 * Characters that an answer may have in all; each takes up to two bytes. The last events repeat what was said, so it
 * has to be kept, and what is kept has to have an end.
 */
export const MAX_ANSWER_SIZE = 4 * 1024 * 1024

/**
 * A stream of the Responses API, made of `chat.completion.chunk`s: one frame an event, numbered from 1.
 *
 * It ends with `response.completed` or `response.incomplete`; a broken one with `error`, which clients throw, and
 * `response.failed`, in OpenAI's order. There is no `[DONE]`.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 */
export class EventFrames implements BatchEncoder<string> {
  readonly #errorOf: ErrorOf
  readonly #response: ResponseInProgress
  readonly #maxSize: number
  #begun = false
  #over = false
  #count = 0
  /** Frames of the batch at hand. */
  #text = ''

  constructor (context: AnswerContext, errorOf: ErrorOf, { maxSize = MAX_ANSWER_SIZE }: { readonly maxSize?: number } = {}) {
    this.#errorOf = errorOf
    this.#maxSize = maxSize
    this.#response = new ResponseInProgress(context, event => { this.#write(event) })
  }

  /** Whether it has broken the stream off by itself; what comes after is ignored. */
  get over (): boolean { return this.#over }

  encode (chunks: readonly string[]): string {
    for (const chunk of chunks) {
      if (this.#over) break
      this.#add(chunk)
    }
    return this.#taken()
  }

  end (): string {
    if (this.#over) return ''
    this.#begin()
    const response = this.#response.finished()
    this.#write({ type: response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', response })
    return this.#taken()
  }

  fail (error: Error): string {
    if (!this.#over) this.#break(error)
    return this.#taken()
  }

  #add (chunk: string): void {
    const body = objectOf(chunk)
    if (body === undefined) {
      this.#break(malformedAnswer())
      return
    }
    const choice = this.#response.observe(body)
    if (choice === undefined) return
    // Not before: some servers begin with a chunk that is about the prompt, and knows nothing of the answer.
    this.#begin()
    this.#response.say(choice)
    if (this.#response.size > this.#maxSize) {
      this.#break(new GatewayError(502, 'The answer is larger than the gateway can keep.', { type: 'server_error', code: 'answer_too_large' }))
    }
  }

  #begin (): void {
    if (this.#begun) return
    this.#begun = true
    const response = this.#response.begun()
    this.#write({ type: 'response.created', response })
    this.#write({ type: 'response.in_progress', response })
  }

  #break (cause: Error): void {
    this.#over = true
    this.#begin()
    const error = this.#errorOf(cause)
    this.#write(errorEvent(error))
    this.#write({ type: 'response.failed', response: this.#response.failed(error) })
  }

  #write (event: ResponsesEvent): void {
    const { type, ...rest } = event
    const data = JSON.stringify({ type, sequence_number: this.#count, ...rest })
    this.#text += namedFrame(type, ++this.#count, data)
  }

  #taken (): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}
