import type { FailedAttempt } from '../schemas/error.ts'

/** Where a stream was when it failed, so that it can be joined there later. */
export interface StreamPosition {
  /** `x-gateway-stream-id`; undefined: it had not begun. */
  readonly streamId: string | undefined
  /** Of the last frame that was handed on; 0: none. */
  readonly lastEventId: number
}

/** Why a stream failed; every class has its `name` and codes. An abort is none of these: it is thrown as `signal.reason`. */
export abstract class StreamError<Code extends string = string> extends Error implements StreamPosition {
  abstract override readonly name: string
  /** What went wrong, for code. */
  readonly code: Code
  readonly streamId: string | undefined
  readonly lastEventId: number

  constructor (code: Code, message: string, { streamId, lastEventId }: StreamPosition, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.streamId = streamId
    this.lastEventId = lastEventId
  }
}

/** An error in the gateway's words. */
export interface GatewayWords {
  readonly message: string
  readonly type: string
  readonly code: string
  readonly param: string | null
  /** Each tried target and its class. */
  readonly attempts: readonly FailedAttempt[] | undefined
}

/**
 * The gateway said no: by a status, or by the error frame of a stream that broke. It has asked every target by then.
 * `code` and `type` are those of its error body.
 */
export class GatewayError extends StreamError {
  override readonly name = 'GatewayError'
  readonly type: string
  readonly param: string | null
  readonly attempts: readonly FailedAttempt[] | undefined
  /** Of the HTTP answer; undefined: the error came as a frame of a stream. */
  readonly status: number | undefined
  /** How long the gateway wants to be left alone, in ms. */
  readonly retryAfterMs: number | undefined

  constructor ({ message, type, code, param, attempts }: GatewayWords, position: StreamPosition, { status, retryAfterMs }: { readonly status?: number | undefined, readonly retryAfterMs?: number | undefined } = {}) {
    super(code, message, position)
    this.type = type
    this.param = param
    this.attempts = attempts
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** The connection broke, and could not be made again in the tries that there are. The stream may still run: `joinCompletion` it later. */
export class ConnectionLostError extends StreamError {
  override readonly name = 'ConnectionLostError'
  /** Connections that failed in a row. */
  readonly tries: number

  constructor (tries: number, position: StreamPosition, cause: unknown) {
    super('connection_lost', `The connection to the gateway was lost (${tries} tries).`, position, { cause })
    this.tries = tries
  }
}

/**
 * What came is not a stream of this gateway, so it is not read on: `frame_gap` (frames are missing), `frame_too_large`,
 * `malformed_frame`, `no_stream_id` (of another origin, a browser shows only headers that are exposed).
 */
export class ProtocolError extends StreamError<'frame_gap' | 'frame_too_large' | 'malformed_frame' | 'no_stream_id'> {
  override readonly name = 'ProtocolError'
}
