import type { Usage } from '../../schemas/chat-completion.ts'
import { jsonValue } from '../../schemas/json-object.ts'
import { detached, endOfString } from '../json-text.ts'
import { answerOf } from './answer.ts'
import type { Answer, Candidate } from './answer.ts'
import { TokenCounts } from './token-counts.ts'
import { usageOf } from './usage.ts'

/** What a recognised event brings. */
export interface PlainEvent {
  /** The candidate's. */
  readonly index: number
  /** What the text is: `text` or `reasoning`. */
  readonly kind: TextKind
  /** As JSON. */
  readonly textJson: string
  /** It is printable ASCII without escapes: what is between its quotes is the text. */
  readonly ascii: boolean
  readonly usage: Usage | undefined
}

export type TextKind = 'text' | 'reasoning'

/**
 * Recognises the events that make up nearly all of a stream, without parsing them: those that bring a piece of text and
 * otherwise repeat an event before, up to the token counts, which grow.
 *
 *     {"candidates": [{"content": {"parts": [{"text": "  Hello  "}],"role": "model"}}],"usageMetadata": {…},"modelVersion": "…"}
 *     └────────────────── prefix ────────────────────┘ └ text ┘└──────────── middle ──────────────────┘└ ┬ ┘└───── suffix ──────┘
 *                                                                                                      counts
 *
 * Prefix, middle and suffix are learned from an event that was parsed. Only what equals them to the letter, around one
 * valid JSON string and one valid JSON value, is recognised: parsed, it would differ from that event in these two places
 * and nowhere else. All else is parsed.
 * @see https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
 */
export class PlainEvents {
  #shape: Shape | undefined
  /** Shapes that were learned since one has recognised anything. */
  #lessons = 0
  readonly #counts = new TokenCounts()

  /** What an event brings, if it is recognised; undefined: parse it. */
  recognise (json: string): PlainEvent | undefined {
    const shape = this.#shape
    if (shape === undefined || json.length > MAX_LENGTH) return undefined
    const from = shape.prefix.length
    // Slices are compared in one go, where `startsWith` goes character by character.
    if (json.slice(0, from) !== shape.prefix) return undefined
    NOT_ASCII.lastIndex = from
    if (!NOT_ASCII.test(json)) return undefined
    const special = NOT_ASCII.lastIndex - 1 // often the quote that ends the text
    const ascii = json.charCodeAt(special) === QUOTE
    const end = ascii ? special : endOfString(json, special)
    const counts = end + shape.middle.length
    const countsEnd = json.length - shape.suffix.length
    if (end === from || countsEnd < counts || json.slice(end, counts) !== shape.middle || json.slice(countsEnd) !== shape.suffix) return undefined
    if (shape.counted ? !this.#counts.read(json.slice(counts, countsEnd)) : counts !== countsEnd) return undefined
    this.#lessons = 0
    return { index: shape.index, kind: shape.kind, textJson: json.slice(from - 1, end + 1), ascii, usage: shape.counted ? this.#counts.usage : shape.usage }
  }

  /** Learns from an event that had to be parsed, if it is a plain one. */
  learn (json: string, answer: Answer): void {
    if (this.#lessons >= MAX_LESSONS || json.length > MAX_LENGTH) return
    const shape = shapeOf(detached(json), answer)
    if (shape === undefined) return
    this.#lessons++
    this.#shape = shape
  }
}

interface Shape {
  readonly index: number
  readonly kind: TextKind
  /** Ends with the quote that begins the text. */
  readonly prefix: string
  /** Begins with the quote that ends it. All that follows, where no counts do. */
  readonly middle: string
  readonly counted: boolean
  /** Where there are no counts to be read: the usage of every event of this shape. */
  readonly usage: Usage | undefined
  readonly suffix: string
}

/** A stream whose events differ in more than text and counts is not worth learning from again and again. */
const MAX_LESSONS = 4
/** Events up to this length are looked at. In characters. */
const MAX_LENGTH = 16 * 1024
/** Quotes and backslashes, and all but printable ASCII. */
const NOT_ASCII = /[^ !#-[\]-~]/g
const QUOTE = 34
const TEXT_BEGINS = /"text":\s*"/
const COUNTS_BEGIN = /"usageMetadata":\s*(?=\{)/

/** Stand in for text and counts; no provider sends them. */
const PROBE = 'a text that no provider sends'
const PROBE_COUNTS = { promptTokenCount: 8_675_309 }

function shapeOf (json: string, answer: Answer): Shape | undefined {
  const [candidate] = answer.candidates
  const begin = TEXT_BEGINS.exec(json)
  const kind = candidate === undefined ? undefined : textKindOf(candidate)
  if (candidate === undefined || kind === undefined || answer.candidates.length > 1 || begin === null) return undefined
  const from = begin.index + begin[0].length
  const prefix = json.slice(0, from)
  const rest = json.slice(endOfString(json, from))
  const counts = COUNTS_BEGIN.exec(rest)
  const countsAt = counts === null ? rest.length : counts.index + counts[0].length
  const middle = rest.slice(0, countsAt)
  const suffix = counts === null ? '' : rest.slice(endOfObject(rest, countsAt))
  // Proof that what lies between is the text of the candidate and the counts, and not something that looks like them.
  const probe = answerOf(jsonValue(`${prefix}${PROBE}${middle}${counts === null ? '' : JSON.stringify(PROBE_COUNTS)}${suffix}`), [])
  const parts = candidate.parts.map(part => ({ ...part, length: part.kind === 'content' ? PROBE.length : 0 }))
  const expected = { ...answer, candidates: [{ ...candidate, [kind]: PROBE, parts }], usage: counts === null ? answer.usage : usageOf(PROBE_COUNTS) }
  return JSON.stringify(probe) === JSON.stringify(expected) ? { index: candidate.index, kind, prefix, middle, counted: counts !== null, usage: answer.usage, suffix } : undefined
}

/** What it brings is one kind of text and nothing else, and nothing ends it. */
function textKindOf ({ text, reasoning, calls, images, signature, sources, finishReason, logprobs }: Candidate): TextKind | undefined {
  if (calls.length > 0 || images.length > 0 || signature !== undefined || sources !== undefined || finishReason !== undefined || logprobs !== undefined) return undefined
  if ((text === '') === (reasoning === '')) return undefined
  return text === '' ? 'reasoning' : 'text'
}

/** Where the object that begins at `from` ends, in valid JSON. */
function endOfObject (json: string, from: number): number {
  let depth = 0
  for (let at = from; at < json.length; at++) {
    const character = json[at]
    if (character === '"') at = endOfString(json, at + 1)
    else if (character === '{') depth++
    else if (character === '}' && --depth === 0) return at + 1
  }
  return json.length
}
