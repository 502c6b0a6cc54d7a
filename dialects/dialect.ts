import type { GatewayError } from '../errors/gateway-error.ts'
import type { BatchEncoder } from '../streams/batch-pump.ts'

/** What an API's format is called where streams are stored: never to be changed. */
export type DialectName = 'chat_completions' | 'responses' | 'messages'

/** Any error as the one that the caller is told. Noted by whoever sends the answer, so it is to be asked once. */
export type ErrorOf = (error: Error) => GatewayError

/**
 * How one HTTP API writes the answers of the core, which are in the chat completions format. Made for one request, which
 * it may look at; its own way of asking is translated before that.
 */
export interface Dialect {
  readonly name: DialectName
  /** What it has to know of its request, as JSON: another replica makes it anew of that. Undefined: nothing. */
  readonly asked: object | undefined
  /**
   * A whole answer.
   * @param json one `chat.completion`
   * @throws {GatewayError} 502: it is none
   */
  whole (json: string): string
  /**
   * The frames of a stream, made of `chat.completion.chunk`s. Only its `end` and `fail` close the stream, so that a broken one
   * cannot look complete. The same chunks are the same frames, at any replica.
   * @param errorOf what is told of the error that broke it
   */
  frames (errorOf: ErrorOf): BatchEncoder<string>
  /**
   * The way back: chunks that say what frames of such a stream say, as text. Written again they are the same frames where that was
   * text or reasoning alone; of anything else they tell that it was there.
   */
  chunksIn (frames: string): string[]
}
