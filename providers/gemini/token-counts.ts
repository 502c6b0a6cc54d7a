import type { Usage } from '../../schemas/chat-completion.ts'
import { isJsonObject, jsonValue } from '../../schemas/json-object.ts'
import { detached } from '../json-text.ts'
import { mediaIn, usageIn, usageOf } from './usage.ts'
import type { Media } from './usage.ts'

/**
 * Reads the `usageMetadata` of one event after another. It repeats that of the event before, but for a few numbers that
 * grow, so those alone are read where it does:
 *
 *     {"promptTokenCount": 12,"candidatesTokenCount": 57,"totalTokenCount": 69,"promptTokensDetails": […]}
 *     └───────────────── before ────────────────────┘  └────── before ──────┘  └───────── after ─────────┘
 */
export class TokenCounts {
  /** Of the last one that was read; undefined if it has no counts. */
  usage: Usage | undefined
  #json: string | undefined
  /** What `#json` is. */
  #metadata: Record<string, unknown> = {}
  /** In it; its numbers that grow are not of media. */
  #media: Media = { heard: undefined, said: undefined }
  #pattern: Pattern | undefined
  /** Patterns that were learned since one has recognised anything. */
  #lessons = 0

  /** Whether it is JSON at all. */
  read (json: string): boolean {
    if (json === this.#json) return true
    if (this.#recognised(json)) {
      this.#lessons = 0
      this.usage = usageIn(this.#metadata, this.#media)
    } else {
      const value = jsonValue(json)
      if (value === undefined) return false
      this.#learn(json, value)
      this.usage = usageOf(value)
    }
    this.#json = json
    return true
  }

  /** Puts the numbers into `#metadata`; where it gives false, `#metadata` is to be renewed. */
  #recognised (json: string): boolean {
    if (this.#pattern === undefined) return false
    let at = 0
    for (const { before, name } of this.#pattern.numbers) {
      const from = at + before.length
      if (json.slice(at, from) !== before) return false
      at = endOfDigits(json, from)
      if (!isInteger(json, from, at)) return false
      this.#metadata[name] = integerIn(json, from, at)
    }
    return json.slice(at) === this.#pattern.after
  }

  #learn (json: string, value: unknown): void {
    this.#pattern = this.#lessons < MAX_LESSONS ? patternOf(detached(json)) : undefined
    this.#lessons++
    this.#metadata = isJsonObject(value) ? { ...value } : {}
    this.#media = mediaIn(this.#metadata)
  }
}

interface Pattern {
  readonly numbers: ReadonlyArray<{ readonly before: string, readonly name: string }>
  readonly after: string
}

/** What differs in more than its numbers is not worth learning from again and again. */
const MAX_LESSONS = 4
const GROWING = /"(candidatesTokenCount|thoughtsTokenCount|totalTokenCount)":\s*(\d+)/g
/** What is added to this stands in for a number. */
const PROBE = 86_753_090

function patternOf (json: string): Pattern | undefined {
  const numbers: Array<{ before: string, name: string }> = []
  let at = 0
  let probe = ''
  for (const { 0: found, 1: name = '', 2: digits = '', index } of json.matchAll(GROWING)) {
    const from = index + found.length - digits.length
    const before = json.slice(at, from)
    probe += `${before}${PROBE + numbers.length}`
    numbers.push({ before, name })
    at = from + digits.length
  }
  const after = json.slice(at)
  // Proof that they are the counts, and not something that looks like them.
  const metadata = jsonValue(probe + after)
  return isJsonObject(metadata) && numbers.length > 0 && numbers.every(({ name }, i) => metadata[name] === PROBE + i) ? { numbers, after } : undefined
}

const ZERO = 48
const NINE = 57
/** More digits may make a number that is not exact. */
const MAX_DIGITS = 15

function endOfDigits (text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= NINE) at++
  return at
}

/** Whether JSON takes these digits for an integer, which has no zeros before it. */
function isInteger (text: string, from: number, to: number): boolean {
  return to - from === 1 || (to > from && to - from <= MAX_DIGITS && text.charCodeAt(from) !== ZERO)
}

function integerIn (text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - ZERO
  return value
}
