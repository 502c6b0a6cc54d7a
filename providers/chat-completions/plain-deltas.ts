import type { ChunkFacts } from '../../streams/chunk-facts.ts'
import { factsOf } from '../../streams/chunk-facts.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { detached, endOfString } from '../json-text.ts'
import type { Recogniser } from '../../streams/sse-reader.ts'

/**
 * Recognises, without parsing JSON, the chunks that make up nearly all of a stream: those that hold a piece of text and
 * otherwise repeat the chunk before.
 *
 *     {"id":"…","choices":[{"index":0,"delta":{"content":"   Hello   "},"finish_reason":null}],…}
 *     └───────────────── prefix ────────────────────────┘ └ text ┘ └──────── suffix ─────────────┘
 *
 * Prefix and suffix are learned from a parsed chunk. Only what equals them to the letter, around one valid JSON string, is
 * recognised; all else is parsed. OpenAI's `obfuscation`, a field of random length
 * behind the text, may vary.
 * @see https://platform.openai.com/docs/api-reference/chat-streaming/streaming
 */
export class PlainDeltas implements Recogniser {
  #shape: Shape | undefined
  #lessons = 0
  /** Of the text in the chunk that was recognised last, as JSON. */
  characters = 0

  /** The facts of every chunk that is recognised now. */
  get facts (): ChunkFacts { return this.#shape?.facts ?? NOTHING }

  /** Where the chunk that begins at `at` ends, if it is recognised; -1: parse it. */
  endOf (text: string, at: number): number {
    const shape = this.#shape
    if (shape === undefined) return -1
    const from = at + shape.prefix.length
    // Slices are compared in one go, where `startsWith` goes character by character.
    if (text.slice(at, from) !== shape.prefix) return -1
    const end = endOfString(text, from)
    const rest = end + shape.suffix.length
    if (end === from || text.slice(end, rest) !== shape.suffix) return -1
    this.characters = end - from
    if (shape.tail === undefined) return rest
    const tail = endOfString(text, rest)
    const stop = tail + shape.tail.length
    return text.slice(tail, stop) === shape.tail ? stop : -1
  }

  /** Learns from a chunk that had to be parsed, if it is a plain one. */
  learn (json: string, body: JsonObject): void {
    if (this.#lessons >= MAX_LESSONS || !isPlain(body)) return
    this.#lessons++
    this.#shape = shapeOf(detached(json), body) ?? this.#shape
  }
}

interface Shape {
  readonly prefix: string
  /** What follows the text: all of it, or up to the value of `obfuscation`. */
  readonly suffix: string
  /** What follows that value. */
  readonly tail: string | undefined
  readonly facts: ChunkFacts
}

const NOTHING: ChunkFacts = { output: false, choices: [], usage: undefined }

/** A stream whose chunks differ in more than their text is not worth learning from again and again. */
const MAX_LESSONS = 4
const TEXT_BEGINS = /"delta":\s*\{\s*"content":\s*"/
const OBFUSCATION_BEGINS = /"obfuscation":\s*"/
/** One choice, whose delta is a text and nothing else, and nothing that ends it. */
function isPlain ({ choices, usage, error }: JsonObject): boolean {
  if (!Array.isArray(choices) || choices.length !== 1 || (usage !== undefined && usage !== null) || (error !== undefined && error !== null)) return false
  const choice: unknown = choices[0]
  if (!isJsonObject(choice) || !isJsonObject(choice['delta'])) return false
  const { content, ...others } = choice['delta']
  return typeof content === 'string' && content !== '' && Object.keys(others).length === 0 && (choice['finish_reason'] ?? null) === null
}

function shapeOf (json: string, body: JsonObject): Shape | undefined {
  const begin = TEXT_BEGINS.exec(json)
  if (begin === null) return undefined
  const from = begin.index + begin[0].length
  const end = endOfString(json, from)
  const suffix = detached(json.slice(end))
  // Where another object has such a delta, it is not known which of them is the choice's. (Quotes within strings are
  // escaped, so no text can look like one.)
  if (json[end] !== '"' || TEXT_BEGINS.test(suffix)) return undefined
  const prefix = detached(json.slice(0, from))
  const facts = factsOf(body)
  const obfuscation = OBFUSCATION_BEGINS.exec(suffix)
  if (obfuscation === null) return { prefix, suffix, tail: undefined, facts }
  const value = obfuscation.index + obfuscation[0].length
  return { prefix, suffix: suffix.slice(0, value), tail: suffix.slice(endOfString(suffix, value)), facts }
}
