import type { BatchEncoder } from './batch-pump.ts'

/**
 * Frames of Server-Sent Events, as the gateway writes them.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */

/** A comment line, which clients ignore. */
export const KEEP_ALIVE_COMMENT = ': keep-alive\n\n'

/** One event: its number and one line of data. The data must hold no line break (JSON text has none). */
export function frame (id: number, data: string): string {
  return `id: ${id}\ndata: ${data}\n\n`
}

/** One event of a named type, for APIs whose clients go by the name. */
export function namedFrame (event: string, id: number, data: string): string {
  return `event: ${event}\n${frame(id, data)}`
}

/** An event that is none of a stream's own, and so has no number: whoever joins the stream again goes on after what it has of it. */
export function unnumberedFrame (event: string | undefined, data: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`
}

/**
 * Numbers chunks from 1 and closes the stream: with `[DONE]` if the producer finished, and with one error frame if it
 * failed. Nothing else writes the end, so a broken stream can not look complete.
 */
export class ChunkFrames implements BatchEncoder<string> {
  readonly #errorJson: (error: Error) => string
  #id = 0

  /** @param errorJson the body of the error frame, as JSON text without line breaks */
  constructor (errorJson: (error: Error) => string) {
    this.#errorJson = errorJson
  }

  /** The number of the last frame so far, the closing one included. */
  get count (): number { return this.#id }

  encode (chunks: readonly string[]): string {
    let text = ''
    for (const chunk of chunks) text += frame(++this.#id, chunk)
    return text
  }

  end (): string {
    return frame(++this.#id, '[DONE]')
  }

  fail (error: Error): string {
    return frame(++this.#id, this.#errorJson(error))
  }
}
