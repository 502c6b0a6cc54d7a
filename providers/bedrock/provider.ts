import { randomUUID } from 'node:crypto'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { BedrockOptions } from '../../schemas/provider-options.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { ReaderPump } from '../../upstream/event-pump.ts'
import type { Translate } from '../../upstream/event-pump.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import type { WholeResponse } from '../../upstream/exchange.ts'
import type { UpstreamRequest } from '../../upstream/http-upstream.ts'
import { header } from '../../upstream/retry-after.ts'
import { continued } from '../continued.ts'
import type { Completion, CompletionCall, Continues, Provider, ServerAddress, StreamCall } from '../provider.ts'
import { hasCitations } from './content.ts'
import { converseEvent, textJsonIn } from './converse-event.ts'
import { hasFunctions } from './declared-tools.ts'
import { refusalError, unreadable } from './errors.ts'
import { EventStreamReader } from './event-stream-reader.ts'
import type { EventStreamMessage } from './event-stream-reader.ts'
import { modelOf, takesPrefill } from './model.ts'
import { converseBody } from './request.ts'
import { completionOf } from './response.ts'
import type { CompletionHead } from './response.ts'
import { Signer } from './signer.ts'
import type { Operation } from './signer.ts'
import { StreamTranslator } from './stream-translator.ts'
import type { ConverseAnswer } from './wire.ts'

const EVENT_STREAM = /^application\/vnd\.amazon\.eventstream\b/i

/** A request that is ready to be sent, and the connections to where it goes. */
interface Dispatch {
  readonly upstream: HttpUpstream
  readonly request: UpstreamRequest
}

/**
 * A model on AWS Bedrock, by Converse and ConverseStream. Loading this file loads the AWS SDK, which knows where requests
 * go and with which credentials; making and sending them and reading the answers is done here, for a fraction of the time
 * that the SDK takes.
 */
export class BedrockProvider implements Provider {
  readonly kind = 'bedrock'
  readonly model: string
  readonly #signer: Signer
  /** By origin. There is one: which one, the SDK finds out with the first request. */
  readonly #upstreams = new Map<string, HttpUpstream>()
  #closed = false

  constructor (options: BedrockOptions) {
    this.model = options.modelId
    this.#signer = new Signer(options)
  }

  async complete (call: CompletionCall): Promise<Completion> {
    const { upstream, request } = await this.#prepare('converse', call)
    const response = await upstream.whole(request)
    if (response.status < 200 || response.status >= 300) throw this.#refusal(response)
    try {
      const answer: ConverseAnswer = JSON.parse(response.text)
      return completionOf(answer, this.#head(call), hasFunctions(call.request))
    } catch (error) {
      throw error instanceof UpstreamError ? error : unreadable(error)
    }
  }

  async stream (call: StreamCall): Promise<CompletionStream> {
    const { upstream, request } = await this.#prepare('converseStream', { ...call, request: continued(call.request, call.continuation) })
    const writer = new CompletionWriter({ ...call.queue, includeUsage: call.request.stream_options?.include_usage === true })
    const wanted = { asFunction: hasFunctions(call.request), citations: hasCitations(call.request) }
    const translate = translation(new StreamTranslator(this.#head(call), wanted))
    const response = await upstream.stream(request, flow => new ReaderPump(writer, new EventStreamReader(), translate, flow))
    if (response.kind === 'refused') throw this.#refusal(response.response)
    if (!EVENT_STREAM.test(header(response.headers, 'content-type') ?? '')) {
      writer.queue.cancel() // closes the connection
      throw new UpstreamError('malformed', 'The provider\'s answer is not an event stream.')
    }
    return writer
  }

  get server (): ServerAddress | undefined { return this.#upstreams.values().next().value?.server }

  /** Claude up to 4.5 does. What others make of a last message of the assistant, AWS does not say. */
  continues ({ request, model = this.model }: Pick<CompletionCall, 'request' | 'model'>): Continues {
    // Citations count from the beginning of what the model says.
    return takesPrefill(modelOf(model)) && !hasCitations(request) ? 'prefix' : 'none'
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#signer.close()
    await Promise.all([...this.#upstreams.values()].map(upstream => upstream.close()))
  }

  async #prepare (operation: Operation, { request, model = this.model, signal, headers }: CompletionCall): Promise<Dispatch> {
    const { origin, ...signed } = await this.#signer.sign(operation, model, converseBody(request, model), signal)
    // A header that is not among the signed ones changes nothing about the signature.
    return { upstream: this.#upstreamAt(origin), request: { ...signed, ...headers === undefined ? {} : { headers: { ...headers, ...signed.headers } }, signal } }
  }

  #upstreamAt (origin: string): HttpUpstream {
    const known = this.#upstreams.get(origin)
    if (known !== undefined) return known
    if (this.#closed) throw new UpstreamError('connect', 'The target is closed.')
    const upstream = new HttpUpstream({ origin })
    this.#upstreams.set(origin, upstream)
    return upstream
  }

  #refusal (response: WholeResponse): UpstreamError {
    this.#signer.correctClock(response.headers)
    return refusalError(response)
  }

  #head ({ model = this.model }: CompletionCall): CompletionHead {
    return { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
  }
}

/** What messages become. The answer ends with the body: messageStop gives it its finish reason, metadata comes after it. */
function translation (translator: StreamTranslator): Translate<EventStreamMessage> {
  return message => {
    const text = textJsonIn(message)
    if (text !== undefined) return translator.translateText(text)
    // Nothing is missing any more, so an exception changes nothing.
    if (translator.finished && message.headers.messageType !== 'event') return 'end'
    return translator.translate(converseEvent(message))
  }
}
