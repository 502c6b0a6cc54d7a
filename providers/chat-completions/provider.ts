import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { EventPump } from '../../upstream/event-pump.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import type { UpstreamRequest } from '../../upstream/http-upstream.ts'
import type { Completion, CompletionCall, Provider, StreamCall } from '../provider.ts'
import { chunkOfEvent, completionOf } from './answer.ts'
import { statusError } from './errors.ts'

/** Where and with which headers a chat completion of one model is asked for. */
export interface Endpoint {
  readonly url: string
  readonly headers: Iterable<[string, string]>
}

export interface ChatCompletionsOptions {
  readonly kind: string
  /** The model or deployment. */
  readonly model: string
  /** What must not appear in any error. */
  readonly secrets: readonly string[]
  /** The endpoint of a model; asked once for the configured one, and for each call that names another. */
  readonly endpoint: (model: string) => Promise<Endpoint>
}

interface Prepared {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * A target that speaks the chat completions format itself: requests and answers pass through, and are only looked at.
 *
 * Shared by `openai`, `azure-openai` and `azure-apim`, which differ in URL and authentication. Where an SDK knows
 * those, it is asked for them once; the bytes are moved by undici, since the SDK's own request and stream decoding
 * costs several times what a bare pipe does, and offers no backpressure without a promise per chunk.
 */
export class ChatCompletionsProvider implements Provider {
  readonly kind: string
  readonly model: string
  readonly #secrets: readonly string[]
  readonly #endpoint: (model: string) => Promise<Endpoint>
  readonly #upstream: HttpUpstream
  readonly #prepared: Prepared

  private constructor (options: ChatCompletionsOptions, origin: string, prepared: Prepared) {
    this.kind = options.kind
    this.model = options.model
    this.#secrets = options.secrets
    this.#endpoint = options.endpoint
    this.#upstream = new HttpUpstream({ origin })
    this.#prepared = prepared
  }

  static async create (options: ChatCompletionsOptions): Promise<ChatCompletionsProvider> {
    const endpoint = await options.endpoint(options.model)
    return new ChatCompletionsProvider(options, new URL(endpoint.url).origin, prepare(endpoint))
  }

  async complete (call: CompletionCall): Promise<Completion> {
    const response = await this.#upstream.whole(await this.#request(call, false))
    if (response.status < 200 || response.status > 299) throw statusError(response, this.#secrets)
    return completionOf(response.text, this.#secrets)
  }

  async stream (call: StreamCall): Promise<CompletionStream> {
    const writer = new CompletionWriter({
      ...call.queue,
      includeUsage: call.request.stream_options?.include_usage === true,
      choices: call.request.n ?? 1
    })
    const response = await this.#upstream.stream(
      await this.#request(call, true),
      flow => new EventPump(writer, event => chunkOfEvent(event, this.#secrets), flow)
    )
    if (response.kind === 'refused') throw statusError(response.response, this.#secrets)
    return writer
  }

  close (): Promise<void> {
    return this.#upstream.close()
  }

  async #request ({ request, model = this.model, signal }: CompletionCall, stream: boolean): Promise<UpstreamRequest> {
    if (model === '.' || model === '..') { // a URL would resolve them as steps in its path
      throw new UpstreamError('invalid_request', 'There is no such model.', { param: 'model', code: 'model_not_found' })
    }
    const { path, headers } = model === this.model ? this.#prepared : prepare(await this.#endpoint(model))
    return { path, headers, body: bodyOf(request, model, stream), signal }
  }
}

/** The caller's body with this target's model. Usage is always asked for: the audit log wants it. */
function bodyOf (request: ChatCompletionRequest, model: string, stream: boolean): string {
  if (!stream) return JSON.stringify({ ...request, model })
  return JSON.stringify({ ...request, model, stream: true, stream_options: { ...request.stream_options, include_usage: true } })
}

function prepare ({ url, headers }: Endpoint): Prepared {
  const { pathname, search } = new URL(url)
  return { path: pathname + search, headers: Object.fromEntries(headers) }
}
