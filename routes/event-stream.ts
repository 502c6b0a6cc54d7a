import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Dialect } from '../dialects/dialect.ts'
import { errorFrame } from '../dialects/error-frame.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { Answer } from '../failover/walk.ts'
import { errorOfStream } from '../plugins/error-handler.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import { sendBatches } from '../streams/batch-response.ts'
import type { BatchEncoder, KeepAlive } from '../streams/batch-pump.ts'
import { BoundedQueue } from '../streams/bounded-queue.ts'
import { KEEP_ALIVE_COMMENT } from '../streams/sse-frames.ts'
import { FramesGoneError, StreamMovedError, follow } from '../stream-log/frame-source.ts'
import { lastIdOf } from '../stream-log/frame-text.ts'
import type { JoinedStream } from '../stream-log/stream-log.ts'

/** A stream that is silent for so long (ms) gets a comment that keeps its connection alive. */
export const KEEP_ALIVE: KeepAlive = { afterMs: 15_000, text: KEEP_ALIVE_COMMENT }

/** Of every stream of events. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

/** Route options for streams whose frames are our own: it is not the Accept header that says whether to stream, and keep-alive comments are ours. */
export const STREAM_ROUTE = { sse: { kind: 'manual', heartbeat: false } } as const

/** How many pieces wait for a reader's socket, and how many bytes of memory. */
const READER = { capacity: 16, maxBytes: 64 * 1024, sizeOf: (text: string) => text.length * 2 }

/**
 * Notes who answers, for the caller's headers and for the log, and gives the frames that the answer is told in.
 * @param whyEnded what is said in place of the error that broke the stream, where it was ended from outside
 */
export function beginAnswer (request: FastifyRequest, reply: FastifyReply, { target, answer, usage }: Answer<CompletionStream>, id: string, dialect: Dialect, whyEnded: () => GatewayError | undefined = () => undefined): BatchEncoder<string> {
  const { completion } = request
  if (completion !== null) {
    completion.target = target // of two that were asked at once it may be the former
    completion.firstOutputMs = Math.round(reply.elapsedTime)
    completion.result = answer.report
    completion.usage = usage
  }
  void reply.headers({ ...STREAM_HEADERS, 'x-gateway-target': target, 'x-gateway-stream-id': id })
  return dialect.frames(error => {
    request.failure = whyEnded() ?? errorOfStream(target, error)
    return request.failure
  })
}

/**
 * Sends frames as they come, until they end or the client leaves; then the source is closed. The head must have been written.
 * That they cannot be read any more is told in a last frame without an id: it is none of the stream, so a client that asks
 * again goes on from what it has.
 * @param afterId the last frame that the client has, of those before
 */
export async function sendFrames ({ source, dialect }: Pick<JoinedStream, 'source' | 'dialect'>, afterId: number, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const queue = new BoundedQueue<string>(READER)
  let after = afterId
  const asTheyAre: BatchEncoder<string> = {
    encode: pieces => {
      const text = pieces.join('')
      after = Math.max(after, lastIdOf(text))
      return text
    },
    end: () => '',
    fail: error => {
      request.failure = unreadable(error)
      return errorFrame(dialect, request.failure, { after, ofStream: false, requestId: request.id })
    }
  }
  await Promise.all([follow(source, queue), sendBatches(queue, asTheyAre, reply.raw, KEEP_ALIVE)])
}

/**
 * What the stream log is asked for: what its store rejects with says nothing to a caller.
 * @throws {GatewayError} 410, or 503 with `retry-after`
 */
export async function inReach<T> (asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    throw unreadable(error)
  }
}

/** Why frames cannot be read: what the caller is told. */
function unreadable (error: unknown): GatewayError {
  if (error instanceof FramesGoneError) {
    return new GatewayError(410, error.message, { type: 'invalid_request_error', code: 'frames_gone', param: 'last-event-id' })
  }
  if (error instanceof StreamMovedError) {
    return new GatewayError(503, 'This replica ends. The stream goes on: join it again.', { type: 'server_error', code: 'stream_moved', retryAfterMs: 0 })
  }
  return new GatewayError(503, 'The stream cannot be read at the moment: join it again.', { type: 'server_error', code: 'stream_log_unavailable', retryAfterMs: 1000, cause: error })
}
