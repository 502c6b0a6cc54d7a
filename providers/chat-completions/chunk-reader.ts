import { UpstreamError } from '../../errors/upstream-error.ts'
import { factsOf, outputLengthOf } from '../../streams/chunk-facts.ts'
import type { Chunk, CompletionWriter } from '../../streams/completion-stream.ts'
import { SseReader } from '../../streams/sse-reader.ts'
import type { SseEvent } from '../../streams/sse-reader.ts'
import { ReaderPump } from '../../upstream/event-pump.ts'
import type { EventReader } from '../../upstream/event-pump.ts'
import type { BodyFlow } from '../../upstream/exchange.ts'
import { isJsonObject, jsonValue } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { isError, objectOf } from './answer.ts'
import { inBandError } from './errors.ts'
import { PlainDeltas } from './plain-deltas.ts'
import { kindOf, WholeAnswer } from './whole-answer.ts'

/** Moves the bytes of one streamed answer in the chat completions format into a completion stream. */
export function chunkPump (writer: CompletionWriter, flow: BodyFlow, secrets: readonly string[]): ReaderPump<Chunk | 'end'> {
  const reader = new ChunkReader(secrets)
  return new ReaderPump(writer, reader, chunk => chunk, flow, () => reader.flush())
}

/**
 * Reads the chunks of one stream, and passes them on as the text that they came as. Those that are nothing but the next
 * piece of text are recognised where they lie, without parsing them.
 * @see https://platform.openai.com/docs/api-reference/chat-streaming/streaming
 */
export class ChunkReader implements EventReader<Chunk | 'end'> {
  readonly #events = new SseReader()
  readonly #plain = new PlainDeltas()
  readonly #secrets: readonly string[]
  /** Events have begun to come. */
  #begun = false
  /** What came in their place. */
  #whole: WholeAnswer | undefined
  #isMarkup = false

  /** @param secrets what must not appear in any error */
  constructor (secrets: readonly string[]) {
    this.#secrets = secrets
  }

  push (bytes: Buffer): void {
    if (this.#begun) this.#events.push(bytes)
    else this.#begin(bytes)
  }

  /**
   * At the body's end: the chunks of a whole answer that came in place of a stream.
   * @throws {UpstreamError} what came is none
   */
  flush (): readonly Chunk[] {
    return this.#whole?.chunks(this.#secrets) ?? []
  }

  /**
   * The next chunk, or the terminal event; undefined: more bytes are needed.
   * @throws {UpstreamError} the event reports an error, or is no chunk
   * @throws {SseTooLargeError} the event is too large
   */
  next (): Chunk | 'end' | undefined {
    for (;;) {
      const plain = this.#events.known(this.#plain)
      if (plain !== undefined) return { json: plain, facts: this.#plain.facts, characters: this.#plain.characters }
      const event = this.#events.next()
      if (event === undefined) {
        this.#whole?.check()
        if (this.#isMarkup) throw new UpstreamError('malformed', 'The provider sent a page, and no completion.')
        return undefined
      }
      const chunk = this.#chunkOf(event)
      if (chunk !== undefined) return chunk
    }
  }

  /** Until it is clear what comes. */
  #begin (bytes: Buffer): void {
    const kind = this.#whole === undefined ? kindOf(bytes) : 'json'
    if (kind === 'json') {
      this.#whole ??= new WholeAnswer()
      this.#whole.push(bytes)
      return
    }
    this.#isMarkup = kind === 'markup'
    this.#begun = kind !== 'blank'
    this.#events.push(bytes)
  }

  #chunkOf ({ type, data }: SseEvent): Chunk | 'end' | undefined {
    if (type === 'error') throw inBandError(errorObjectOf(data), this.#secrets)
    if (data === '[DONE]') return 'end'
    if (data === '') return undefined
    const body = objectOf(data)
    if (isError(body)) throw inBandError(body, this.#secrets)
    const facts = factsOf(body)
    // What OpenRouter sends when a provider behind it breaks.
    if (facts.choices.some(({ finishReason }) => finishReason === 'error')) throw inBandError(body, this.#secrets)
    // Data of several lines is joined by line breaks, which a frame cannot hold.
    const json = data.includes('\n') ? JSON.stringify(body) : data
    this.#plain.learn(json, body)
    return { json, facts, characters: outputLengthOf(body) }
  }
}

/** The data of an event that is an error by its name, whatever its shape. */
function errorObjectOf (data: string): JsonObject {
  const value = jsonValue(data)
  return isJsonObject(value) ? value : { error: value === undefined ? data : value }
}
