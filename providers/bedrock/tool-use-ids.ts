import { createHash } from 'node:crypto'
import { unsupported } from './errors.ts'
import type { Model } from './model.ts'

/**
 * Names and ids of tools as Converse takes them: 1 to 64 letters, digits, `_` and `-`.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
 */

const NAME = /^[\w-]{1,64}$/
/** Moonshot's models count their calls: `functions.weather:0`. */
const MOONSHOT_ID = /^[\w.:-]{1,64}$/
/** Mistral's want 9 letters and digits, and get by with Bedrock's own. */
const MISTRAL_ID = /^(?:[a-zA-Z0-9]{9}|tooluse_[\w-]{1,56})$/

/** @throws {UpstreamError} `unsupported`: the model sees the name, so another one would not be the same */
export function refuseOddName (name: string, param: string): void {
  if (!NAME.test(name)) throw unsupported(param, 'names of tools other than 1 to 64 letters, digits, "_" and "-"')
}

/**
 * Ids of calls for one request. Those of other providers may be of any form, and come back in another turn; what
 * Converse refuses goes by a digest in its place, so that a conversation that another target began can go on here. Call
 * and result get the same one, and always the same.
 */
export class ToolUseIds {
  readonly #model: Model
  readonly #taken = new Set<string>()

  constructor (model: Model) { this.#model = model }

  /** How many were given out. */
  get count (): number { return this.#taken.size }

  /** An id for a further call, which no other call has. */
  next (id: string): string {
    let unique = this.#fit(id)
    for (let count = 2; this.#taken.has(unique); count++) unique = this.#digest(`${id}#${count}`)
    this.#taken.add(unique)
    return unique
  }

  #fit (id: string): string {
    return this.#pattern().test(id) ? id : this.#digest(id)
  }

  #pattern (): RegExp {
    switch (this.#model.vendor) {
      case 'mistral': return MISTRAL_ID
      case 'moonshot': return MOONSHOT_ID
      default: return NAME
    }
  }

  #digest (id: string): string {
    return createHash('sha256').update(id).digest('hex').slice(0, this.#model.vendor === 'mistral' ? 9 : 32)
  }
}
