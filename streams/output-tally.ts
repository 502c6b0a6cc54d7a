import { isJsonObject } from '../schemas/json-object.ts'
import { textTokens } from '../usage/text-tokens.ts'
import type { OutputEstimate } from '../usage/attempt-usage.ts'
import { outputTextOf } from './chunk-facts.ts'

/** Each sample stands for as many characters as this times what came before it. */
const SAMPLE_FACTOR = 4
/** What all samples may hold together, in characters: a dozen chunks of a token or two, or one of a page. */
const MAX_KEPT = 8 * 1024
/** Without any sample: what English text comes to. */
const TOKENS_PER_CHARACTER = 1 / 4

/**
 * How much a stream has produced, in case its provider never says so. All that it costs a chunk is an addition; a few
 * chunks are kept, ever further apart, to tell in the end what a character of this stream is worth in tokens, whatever
 * its language, and whether it was written out or escaped.
 */
export class OutputTally implements OutputEstimate {
  #characters = 0
  /** Of these, what the provider's last counts cover. */
  #counted = 0
  #nextSample = 1
  readonly #samples: string[] = []
  /** Their length. */
  #kept = 0
  /** Their characters of output. */
  #sampled = 0

  /**
   * @param json the chunk
   * @param characters of output in it
   */
  add (json: string, characters: number): void {
    this.#characters += characters
    if (this.#characters >= this.#nextSample) this.#sample(json, characters)
  }

  /** The provider has counted what came so far. */
  counted (): void {
    this.#counted = this.#characters
  }

  get tokens (): number { return this.#tokensOf(this.#characters) }

  get uncountedTokens (): number { return this.#tokensOf(this.#characters - this.#counted) }

  #sample (json: string, characters: number): void {
    this.#nextSample = this.#characters * SAMPLE_FACTOR
    if (this.#kept + json.length > MAX_KEPT) return
    this.#kept += json.length
    this.#samples.push(Buffer.from(json).toString()) // a copy: it may be a slice of all that came in one read
    this.#sampled += characters
  }

  #tokensOf (characters: number): number {
    if (characters === 0) return 0
    const perCharacter = this.#sampled === 0 ? TOKENS_PER_CHARACTER : textTokens(this.#samples.map(outputIn)) / this.#sampled
    return Math.ceil(characters * perCharacter)
  }
}

/** The same of a whole answer, which is read only when it is asked for. */
export function outputEstimateOf (json: string): OutputEstimate {
  return {
    get tokens () { return Math.ceil(textTokens([outputIn(json)])) },
    uncountedTokens: 0
  }
}

/** What was produced, in a chunk or a whole answer. */
function outputIn (json: string): string {
  const body: unknown = JSON.parse(json)
  return isJsonObject(body) ? outputTextOf(body) : ''
}
