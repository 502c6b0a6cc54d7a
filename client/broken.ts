import type { GatewayError } from './errors.ts'

/** A connection that failed, and that may be made again. Never leaves the client. */
export class Broken extends Error {
  override readonly name = 'Broken'
  /** What the gateway said, if it was that: thrown when there are no tries left. */
  readonly said: GatewayError | undefined
  /** The stream came to nothing: not it is what is asked for next, but its answer anew. */
  readonly anew: boolean

  constructor (message: string, { said, anew = false, cause }: { readonly said?: GatewayError | undefined, readonly anew?: boolean, readonly cause?: unknown } = {}) {
    super(message, { cause })
    this.said = said
    this.anew = anew
  }
}
