import { isJsonObject, objectOf } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'
import { factsOf } from '../streams/chunk-facts.ts'
import type { ChunkFacts } from '../streams/chunk-facts.ts'
import type { Chunk } from '../streams/completion-stream.ts'
import { textPartsOf } from './text-parts.ts'

/** What all chunks of a stream have in common: by it a client knows that they are of one answer. */
export interface ChunkIdentity {
  readonly id: unknown
  readonly created: unknown
  readonly model: unknown
  readonly system_fingerprint: unknown
}

/** The longest text that can be carried on, in characters: it is kept for as long as the stream runs. */
export const MAX_TEXT = 1024 * 1024
/** So many pieces are joined at a time: until then each may keep the text alive that it was cut from. */
const MAX_PIECES = 128
/** No model writes it. */
const PROBE = 'a text that no model writes'
/** Of a chunk that brings text to the one choice, and nothing else. */
const TEXT_FACTS: ChunkFacts = { output: true, choices: [{ index: 0, finishReason: null }], usage: undefined }
/** Streams whose chunks differ in more than their text are not worth learning from again and again. */
const MAX_LESSONS = 4

/**
 * What a stream has sent so far, as far as another attempt has to know it to carry it on. Each chunk is first looked at, and
 * noted once it was sent.
 *
 * Chunks that differ from one before in nothing but their text are not parsed: what stands around the text is compared to
 * the letter.
 */
export class SentText {
  readonly #blocks: string[] = []
  #pieces: string[] = []
  #length = 0
  #chunks = 0
  #plain = true
  #finished = false
  #identity: ChunkIdentity | undefined
  #shape: { readonly prefix: string, readonly suffix: string } | undefined
  #lessons = 0
  /** Of the chunk that was looked at last. */
  #text = ''
  #staysPlain = true
  #finishes = false

  /** Whether it could be carried on: it has begun to say something, all of it was text, and it has not said that it is done. */
  get canGoOn (): boolean { return this.#plain && this.#length > 0 }

  /** Whether it has said that it is done. */
  get finished (): boolean { return this.#finished }

  /** How many chunks. */
  get chunks (): number { return this.#chunks }

  /** All of the text. */
  get text (): string { return this.#blocks.join('') + this.#pieces.join('') }

  /** Of the first chunk that had a choice. */
  get identity (): ChunkIdentity | undefined { return this.#identity }

  /**
   * A chunk that is to be sent, as the stream's writer wants it. Its output is not counted again: its attempt has done that.
   * @param body the same parsed, where it is known
   */
  look (json: string, body?: JsonObject): Chunk {
    const known = body === undefined ? this.#textIn(json) : undefined
    if (known !== undefined) {
      this.#text = known
      this.#staysPlain = true
      this.#finishes = false
      return { json, facts: TEXT_FACTS, characters: 0 }
    }
    const parsed = body ?? objectOf(json) ?? {}
    const { text, plain, finishes } = textPartsOf(parsed)
    this.#text = text
    this.#staysPlain = plain && !finishes
    this.#finishes = finishes
    if (this.#identity === undefined && Array.isArray(parsed['choices']) && parsed['choices'].length > 0) this.#identity = identityOf(parsed)
    const facts = factsOf(parsed)
    if (plain && !finishes && text !== '' && facts.usage === undefined) this.#learn(json, parsed, text)
    return { json, facts, characters: 0 }
  }

  /** The chunk that was looked at last was sent. */
  sent (): void {
    this.#chunks++
    this.#finished ||= this.#finishes
    if (!this.#plain) return
    this.#length += this.#text.length
    if (!this.#staysPlain || this.#length > MAX_TEXT) {
      this.#plain = false
      this.#blocks.length = this.#pieces.length = 0
    } else if (this.#text !== '' && this.#pieces.push(this.#text) >= MAX_PIECES) {
      this.#blocks.push(this.#pieces.join(''))
      this.#pieces = []
    }
  }

  /** The text of a chunk that is otherwise as one before; undefined: it has to be parsed. */
  #textIn (json: string): string | undefined {
    if (this.#shape === undefined) return undefined
    const { prefix, suffix } = this.#shape
    const from = prefix.length
    const to = json.length - suffix.length
    if (to <= from || json.slice(0, from) !== prefix || json.slice(to) !== suffix) return undefined
    const text = json.slice(from, to)
    // What would end it, and what stands for another character.
    return text.includes('"') || text.includes('\\') ? undefined : text
  }

  #learn (json: string, body: JsonObject, text: string): void {
    if (this.#lessons >= MAX_LESSONS) return
    this.#lessons++
    const encoded = JSON.stringify(text).slice(1, -1)
    const at = json.indexOf(`"${encoded}"`)
    if (at === -1) return // it was written in another way
    const prefix = json.slice(0, at + 1)
    const suffix = json.slice(at + 1 + encoded.length)
    // The proof that it was this string, and not one of the same text elsewhere. Copies, as they outlive the chunk.
    const probe = objectOf(prefix + PROBE + suffix)
    if (probe === undefined || textPartsOf(probe).text !== PROBE || textPartsOf(body).reasons !== textPartsOf(probe).reasons) return
    this.#shape = { prefix: Buffer.from(prefix).toString(), suffix: Buffer.from(suffix).toString() }
  }
}

function identityOf ({ id, created, model, system_fingerprint: fingerprint }: JsonObject): ChunkIdentity {
  return { id, created, model, system_fingerprint: fingerprint }
}

/** A chunk of another attempt, as one of this answer. */
export function identified (body: JsonObject, { id, created, model, system_fingerprint: fingerprint }: ChunkIdentity): JsonObject {
  const { system_fingerprint: _, ...rest } = body
  return { ...rest, id, created, model, ...fingerprint === undefined ? {} : { system_fingerprint: fingerprint } }
}

/** The delta of the one choice of a chunk; undefined where it has none. */
export function deltaOf (choice: unknown): JsonObject | undefined {
  return isJsonObject(choice) && isJsonObject(choice['delta']) ? choice['delta'] : undefined
}
