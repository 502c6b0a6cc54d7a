import { UpstreamError } from '../../errors/upstream-error.ts'
import { JsonArrayReader } from '../../streams/json-array-reader.ts'
import { SseReader } from '../../streams/sse-reader.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import type { EventReader, Flush } from '../../upstream/event-pump.ts'

/** Code units of one event. An image comes in one, in base64, and may have 16 MiB. */
const MAX_EVENT_LENGTH = 24 * 1024 * 1024
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b
const SPACES: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf]) // and a byte order mark

/**
 * Reads the events of a streamed answer, each the JSON of a `GenerateContentResponse`: Server-Sent Events, as they were
 * asked for by `alt=sse`, or a JSON array, which is what Google sends where a proxy loses that. The first byte tells.
 * @see https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
 */
export class StreamReader implements EventReader<string> {
  #sse: SseReader | undefined
  #array: JsonArrayReader | undefined

  push (bytes: Buffer): void {
    if (this.#sse === undefined && this.#array === undefined) {
      const first = bytes.find(byte => !SPACES.has(byte))
      if (first === OPEN_ARRAY || first === OPEN_OBJECT) this.#array = new JsonArrayReader(MAX_EVENT_LENGTH)
      else if (first !== undefined) this.#sse = new SseReader(MAX_EVENT_LENGTH)
      else return // as empty lines and spaces before the first event mean nothing in either
    }
    this.#sse?.push(bytes)
    this.#array?.push(bytes)
  }

  next (): string | undefined {
    return this.#sse === undefined ? this.#array?.next() : this.#sse.next()?.data
  }

  /** Puts what the array's end means before what the end of the body means. */
  flushing (flush: Flush): Flush {
    return (): readonly Chunk[] => {
      if (this.#array?.complete === false) throw new UpstreamError('truncated', 'The provider ended the stream before the answer was complete.')
      return flush()
    }
  }
}
