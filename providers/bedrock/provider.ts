import { randomUUID } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import type { ConverseStreamOutput } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { BedrockOptions } from '../../schemas/provider-options.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { abortError } from '../../upstream/transport-error.ts'
import type { Completion, CompletionCall, Provider, StreamCall } from '../provider.ts'
import { AnswerTooLargeError, bedrockError } from './errors.ts'
import { limitFrames } from './frame-limit.ts'
import { converseInput } from './request.ts'
import { completionOf } from './response.ts'
import type { CompletionHead } from './response.ts'
import { StreamTranslator } from './stream-translator.ts'

/** How long a connection may take to be made, in ms. */
const CONNECT_TIMEOUT_MS = 5000
/** How long an idle connection is kept, in ms. */
const KEEP_ALIVE_MS = 30_000
/** The largest answer that is not streamed, in bytes. */
const MAX_BODY_BYTES = 64 * 1024 * 1024

const EVENT_STREAM = 'application/vnd.amazon.eventstream'

/** A model on AWS Bedrock, by Converse and ConverseStream. Loading this file loads the AWS SDK. */
export class BedrockProvider implements Provider {
  readonly kind = 'bedrock'
  readonly model: string
  readonly #client: BedrockRuntimeClient

  constructor ({ modelId, region, endpoint }: BedrockOptions) {
    this.model = modelId
    // As many connections as there are requests: a stream waits for no other stream, and so the handler has no full pool to warn of.
    const agent = { keepAlive: true, maxSockets: Infinity, timeout: KEEP_ALIVE_MS }
    this.#client = new BedrockRuntimeClient({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: 1, // trying again is for whoever has other targets
      // HTTP/1.1: over HTTP/2 the SDK does not notice a stream that is reset in the middle.
      requestHandler: new NodeHttpHandler({
        httpAgent: new http.Agent(agent),
        httpsAgent: new https.Agent(agent),
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: 0, // deadlines are the caller's, by the signal
        socketTimeout: 0
      }),
      streamCollector: collect
    })
  }

  async complete ({ request, model = this.model, signal }: CompletionCall): Promise<Completion> {
    const command = new ConverseCommand({ modelId: model, ...converseInput(request, model) })
    const aborted = Promise.withResolvers<never>()
    // The SDK looks at the signal only once it has found credentials, which may take seconds.
    const onAbort = (): void => aborted.reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal.aborted) throw abortError(signal)
      const output = await Promise.race([this.#client.send(command, { abortSignal: signal }), aborted.promise])
      return completionOf(output, newHead(model))
    } catch (error) {
      throw signal.aborted ? abortError(signal) : bedrockError(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async stream ({ request, model = this.model, signal, queue }: StreamCall): Promise<CompletionStream> {
    const command = new ConverseStreamCommand({ modelId: model, ...converseInput(request, model) })
    if (signal.aborted) throw abortError(signal)
    // send() resolves no sooner than at the first event; this does at the status.
    const accepted = Promise.withResolvers<void>()
    command.middlewareStack.add(next => async args => {
      const result = await next(args)
      const { response } = result
      if (isHttpResponse(response) && response.statusCode < 300) {
        response.body = eventStreamOf(response)
        accepted.resolve()
      }
      return result
    }, { step: 'deserialize', priority: 'low', name: 'gatewayAcceptance' })

    const writer = new CompletionWriter({ ...queue, includeUsage: request.stream_options?.include_usage === true })
    // Giving up on the SDK's iterator leaves the socket open; only the request's own signal closes it.
    const upstream = new AbortController()
    const hangUp = (): void => upstream.abort()
    const fail = (error: UpstreamError): void => {
      accepted.reject(error)
      writer.broken(error)
      hangUp()
    }
    const onAbort = (): void => fail(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    writer.signal.addEventListener('abort', hangUp, { once: true })

    this.#client.send(command, { abortSignal: upstream.signal })
      .then(({ stream }) => pump(stream, new StreamTranslator(newHead(model)), writer))
      .catch((error: unknown) => fail(bedrockError(error)))
      .finally(() => {
        signal.removeEventListener('abort', onAbort)
        writer.signal.removeEventListener('abort', hangUp)
      })
    await accepted.promise
    return writer
  }

  async close (): Promise<void> {
    this.#client.destroy()
  }
}

/** Moves the events into the queue, no faster than they are taken from it: the SDK reads the socket only when asked for an event. */
async function pump (events: AsyncIterable<ConverseStreamOutput> | undefined, translator: StreamTranslator, writer: CompletionWriter): Promise<void> {
  for await (const event of events ?? []) {
    for (const chunk of translator.translate(event)) {
      if (writer.offer(chunk) === 'full') await writer.put(chunk)
    }
    if (writer.over) return
  }
  // messageStop is Bedrock's terminal event; it is what gave the choice its finish reason, so the writer knows.
  writer.end({ terminal: false })
}

/** What the SDK's middleware hands round as `unknown`. */
interface HttpResponse {
  readonly statusCode: number
  readonly headers: JsonObject
  body: unknown
}

function isHttpResponse (value: unknown): value is HttpResponse {
  return isJsonObject(value) && typeof value['statusCode'] === 'number' && isJsonObject(value['headers']) && 'body' in value
}

/**
 * The body of a success, with a limit on its frames.
 * @throws {UpstreamError} `malformed`: no event stream, which the SDK would take it for all the same
 */
function eventStreamOf ({ headers, body }: HttpResponse): AsyncIterable<Uint8Array> {
  const type = headers['content-type']
  if (typeof type === 'string' && type.startsWith(EVENT_STREAM) && body instanceof Readable) return limitFrames(body)
  throw new UpstreamError('malformed', 'The provider\'s answer is not an event stream.')
}

/** The SDK's own collector has no limit. */
async function collect (body: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('the body is not binary')
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new AnswerTooLargeError('the body is larger than the gateway accepts')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function newHead (model: string): CompletionHead {
  return { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
}
