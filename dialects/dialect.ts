import type { GatewayError } from '../errors/gateway-error.ts'
import type { BatchEncoder } from '../streams/batch-pump.ts'

/** Any error as the one that the caller is told. Noted by whoever sends the answer, so it is to be asked once. */
export type ErrorOf = (error: Error) => GatewayError

/**
 * How one HTTP API writes the answers of the core, which are in the chat completions format. Made for one request, which
 * it may look at; its own way of asking is translated before that.
 */
export interface Dialect {
  /**
   * A whole answer.
   * @param json one `chat.completion`
   * @throws {GatewayError} 502: it is none
   */
  whole (json: string): string
  /**
   * The frames of a stream, made of `chat.completion.chunk`s. Only its `end` and `fail` close the stream, so that a broken one
   * cannot look complete.
   * @param errorOf what is told of the error that broke it
   */
  frames (errorOf: ErrorOf): BatchEncoder<string>
  /** Whether an error may end a stream at any place by a frame that needs nothing of what came before, so that a stream can be taken up elsewhere. */
  readonly resumable: boolean
}
