/**
 * A client of the gateway whose streams survive their connections, for browsers and Node.
 *
 *     const stream = await streamCompletion({ baseURL: 'https://gateway.example/v1', apiKey, request: { messages } })
 *     for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')
 */
import { CompletionStream } from './completion-stream.ts'
import { settingsOf } from './options.ts'
import type { CompletionOptions, JoinOptions } from './options.ts'

export type { CompletionStream } from './completion-stream.ts'
export { ConnectionLostError, GatewayError, ProtocolError, StreamError } from './errors.ts'
export type { GatewayWords, StreamPosition } from './errors.ts'
export type { CompletionOptions, GatewayOptions, JoinOptions, ReconnectOptions, Schedule } from './options.ts'
export type { ChatCompletionChunk } from '../schemas/chat-completion.ts'
export type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'

/**
 * Asks for a completion; resolves when its answer has begun. Until then a request that may have got lost is sent again with
 * its `Idempotency-Key`, so that it is not paid for twice.
 * @throws {GatewayError} the gateway refused, or every target failed
 * @throws {ConnectionLostError} it could not be reached
 * @throws `signal.reason`
 */
export async function streamCompletion (options: CompletionOptions): Promise<CompletionStream> {
  const settings = settingsOf(options)
  const { request, idempotencyKey = crypto.randomUUID() } = options
  return await CompletionStream.open(settings, {
    method: 'POST',
    path: '/chat/completions',
    headers: { 'content-type': 'application/json', 'x-gateway-resumable': 'true', 'idempotency-key': idempotencyKey },
    body: JSON.stringify({ ...request, stream: true }),
    timeoutMs: settings.answerTimeoutMs
  }, { streamId: undefined, lastEventId: 0 })
}

/**
 * Joins a stream that was begun elsewhere or before: by a page that has been loaded anew, say.
 * @throws {GatewayError} there is no such stream (any more): `stream_not_found`
 * @throws {ConnectionLostError} the gateway could not be reached
 * @throws `signal.reason`
 */
export async function joinCompletion ({ id, lastEventId = 0, ...options }: JoinOptions): Promise<CompletionStream> {
  const settings = settingsOf(options)
  return await CompletionStream.open(settings, { method: 'GET', path: '', headers: {}, body: undefined, timeoutMs: settings.idleTimeoutMs }, { streamId: id, lastEventId })
}
