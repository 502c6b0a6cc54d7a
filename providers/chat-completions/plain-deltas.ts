import type { ChunkFacts } from '../../streams/chunk-facts.ts'
import { factsOf } from '../../streams/chunk-facts.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

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
export class PlainDeltas {
  #shape: Shape | undefined
  #lessons = 0

  /** The facts of a chunk that is recognised; undefined: parse it. */
  recognise (json: string): ChunkFacts | undefined {
    const shape = this.#shape
    if (shape === undefined) return undefined
    const from = shape.prefix.length
    // Slices are compared in one go, where `startsWith` goes character by character.
    if (json.slice(0, from) !== shape.prefix) return undefined
    const end = endOfText(json, from)
    const rest = end + shape.suffix.length
    if (end === from || json.slice(end, rest) !== shape.suffix) return undefined
    if (shape.tail === undefined) return rest === json.length ? shape.facts : undefined
    const tail = endOfText(json, rest)
    return tail + shape.tail.length === json.length && json.endsWith(shape.tail) ? shape.facts : undefined
  }

  /** Learns from a chunk that had to be parsed, if it is a plain one. */
  learn (json: string, body: JsonObject): void {
    if (this.#lessons >= MAX_LESSONS || !isPlain(body)) return
    this.#lessons++
    this.#shape = shapeOf(json, body) ?? this.#shape
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

/** A stream whose chunks differ in more than their text is not worth learning from again and again. */
const MAX_LESSONS = 4
const TEXT_BEGINS = /"delta":\s*\{\s*"content":\s*"/
const OBFUSCATION_BEGINS = /"obfuscation":\s*"/
/** What ends a string in JSON, begins an escape in it, or must not be in it. */
const SPECIAL = /["\\\u0000-\u001f]/g // eslint-disable-line no-control-regex
/** @see https://www.rfc-editor.org/rfc/rfc8259#section-7 */
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Where the string that goes on at `from` ends: its quote, or what is not valid in it; the text's end, where nothing is. */
function endOfText (json: string, from: number): number {
  SPECIAL.lastIndex = from
  for (let special = SPECIAL.exec(json); special !== null; special = SPECIAL.exec(json)) {
    ESCAPE.lastIndex = special.index
    if (!ESCAPE.test(json)) return special.index
    SPECIAL.lastIndex = ESCAPE.lastIndex
  }
  return json.length
}

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
  const end = endOfText(json, from)
  const prefix = json.slice(0, from)
  const suffix = json.slice(end)
  // Proof that what lies between is the text of the delta, and not something that looks like it.
  if (!holdsAsText(`${prefix}${PROBE}${suffix}`)) return undefined
  const facts = factsOf(body)
  const obfuscation = OBFUSCATION_BEGINS.exec(suffix)
  if (obfuscation === null) return { prefix, suffix, tail: undefined, facts }
  const value = obfuscation.index + obfuscation[0].length
  return { prefix, suffix: suffix.slice(0, value), tail: suffix.slice(endOfText(suffix, value)), facts }
}

const PROBE = 'a text that no provider sends'

function holdsAsText (json: string): boolean {
  try {
    return JSON.parse(json)?.choices?.[0]?.delta?.content === PROBE
  } catch {
    return false
  }
}
