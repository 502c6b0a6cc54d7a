import { UpstreamError } from '../errors/upstream-error.ts'
import type { Usage } from '../schemas/chat-completion.ts'
import { isJsonObject, objectOf } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'
import { usageOf } from '../streams/chunk-facts.ts'
import { addedUsage } from '../usage/added-usage.ts'
import { deltaOf, identified } from './sent-text.ts'
import type { ChunkIdentity } from './sent-text.ts'
import { textPartsOf } from './text-parts.ts'

export interface SeamOptions {
  /** What was sent already, and comes again: all of the text, or what of its end was not told to the new attempt. */
  readonly expected: string
  /** Whether reasoning may come: it is dropped up to the seam, and sent on after it. */
  readonly reasons: boolean
  /** Of the stream's first chunks. */
  readonly identity: ChunkIdentity
  /** What the attempts before have cost. */
  readonly before: Usage | undefined
}

/**
 * Where a stream passes from one attempt to another. What the new one says again is taken out, character by character and
 * however either of them was cut into chunks; what follows goes on from there, looking like chunks of the first attempt.
 *
 *     sent:      The quick bro|wn f
 *     expected:  ────────────────►
 *     comes:     Th|e quick b|rown fox| jumps
 *                └── taken out ──────┘└ goes on: "ox", " jumps"
 */
export class Seam {
  readonly #options: Omit<SeamOptions, 'expected'>
  /** What is still expected; nothing of it is kept once all has come. */
  #expected: string

  constructor ({ expected, ...options }: SeamOptions) {
    this.#expected = expected
    this.#options = options
  }

  /** Whether all that was expected has come. */
  get reached (): boolean { return this.#expected === '' }

  /**
   * What is to be sent of a chunk; undefined: nothing.
   * @throws {UpstreamError} `diverged`: it says something else than what was sent
   */
  pass (json: string): JsonObject | undefined {
    const body = objectOf(json)
    if (body === undefined) throw diverged()
    const { text, reasons, finishes, plain } = textPartsOf(body)
    if (reasons && !this.#options.reasons) throw diverged()
    if (this.reached) return this.#onward(body, undefined)
    if (!plain) throw diverged()
    const again = Math.min(text.length, this.#expected.length)
    if (text.slice(0, again) !== this.#expected.slice(0, again)) throw diverged()
    this.#expected = this.#expected.slice(again)
    if (this.reached) return this.#onward(body, text.slice(again))
    if (finishes) throw diverged()
    return undefined
  }

  /**
   * The stream has ended in order.
   * @throws {UpstreamError} `diverged`: before it had said what was sent
   */
  end (): void {
    if (!this.reached) throw diverged()
  }

  /** @param rest what is left of its text, and of nothing else, where it holds the seam */
  #onward (body: JsonObject, rest: string | undefined): JsonObject | undefined {
    const { identity, before } = this.#options
    const usage = usageOf(body['usage'])
    const choices: readonly unknown[] = Array.isArray(body['choices']) ? body['choices'] : []
    if (choices.length === 0 && usage === undefined) return undefined // what was found in the prompt, and the like
    const changed = { ...identified(body, identity), ...usage === undefined || before === undefined ? {} : { usage: addedUsage(before, usage) } }
    const [choice] = choices
    const delta = deltaOf(choice)
    if (!isJsonObject(choice) || delta === undefined || choices.length > 1) return changed
    const { role, ...others } = delta
    const left: JsonObject = rest === undefined ? others : rest === '' ? {} : { content: rest }
    // The role was named before. What says no more than that is not sent.
    const silent = Object.values(left).every(value => value == null || value === '')
    if (silent && choice['finish_reason'] == null && (role !== undefined || rest !== undefined)) return undefined
    return { ...changed, choices: [{ ...choice, delta: left }] }
  }
}

/** What ends an attempt that says something else; nothing is wrong with its target. */
export function diverged (): UpstreamError {
  return new UpstreamError('diverged', 'The new attempt says something else than what was sent already.')
}
