import type { GatewayError } from './errors.ts'

/** A connection that failed, and that may be made again. Never leaves the client. */
export class Broken extends Error {
  override readonly name = 'Broken'
  /** What the gateway said, if it was that: thrown when there are no tries left. */
  readonly said: GatewayError | undefined

  constructor (message: string, { said, cause }: { readonly said?: GatewayError | undefined, readonly cause?: unknown } = {}) {
    super(message, { cause })
    this.said = said
  }
}
