import { namesOf, UpstreamError } from '../../errors/upstream-error.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import type { UpstreamRequest } from '../../upstream/http-upstream.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { ChatContinuation } from '../../schemas/provider-options.ts'
import { continued } from '../continued.ts'
import type { Completion, CompletionCall, Continues, Provider, ServerAddress, StreamCall } from '../provider.ts'
import { completionOf } from './answer.ts'
import { chunkPump } from './chunk-reader.ts'
import { statusError } from './errors.ts'
import { bodyOf } from './request.ts'

/** Where and with which headers chat completions are asked for. */
export interface Endpoint {
  /** Of whose URL scheme, host and port are used. */
  readonly baseURL: string
  readonly headers: Readonly<Record<string, string>>
  /** Path and query for a model. */
  readonly path: (model: string) => string
}

export interface ChatCompletionsOptions {
  readonly kind: string
  /** The model or deployment. */
  readonly model: string
  /** What must not appear in any error. */
  readonly secrets: readonly string[]
  readonly endpoint: Endpoint
  /** Whether the server refuses fields of messages that it does not know. Default: not; then it gets what the caller sent. */
  readonly strict?: boolean
  /** How the server is told to go on from a text. Default: it cannot. */
  readonly continuation?: ChatContinuation | undefined
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
  readonly #endpoint: Endpoint
  /** Whether the server refuses fields that it does not know. */
  readonly strict: boolean
  readonly #continuation: ChatContinuation
  readonly #upstream: HttpUpstream

  constructor ({ kind, model, secrets, endpoint, strict = false, continuation = 'none' }: ChatCompletionsOptions) {
    this.kind = kind
    this.model = model
    this.#secrets = [...secrets, ...namesOf(endpoint.baseURL)]
    this.#endpoint = endpoint
    this.strict = strict
    this.#continuation = continuation
    this.#upstream = new HttpUpstream({ origin: new URL(endpoint.baseURL).origin })
  }

  async complete (call: CompletionCall): Promise<Completion> {
    const response = await this.#upstream.whole(this.#request(call, false))
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
      this.#request(call, true),
      flow => chunkPump(writer, flow, this.#secrets)
    )
    if (response.kind === 'refused') throw statusError(response.response, this.#secrets)
    return writer
  }

  get server (): ServerAddress { return this.#upstream.server }

  continues (): Continues {
    return this.#continuation === 'continue_final_message' ? 'prefix' : this.#continuation
  }

  close (): Promise<void> {
    return this.#upstream.close()
  }

  #request ({ request, model = this.model, signal, continuation, headers: beside }: StreamCall, stream: boolean): UpstreamRequest {
    const { headers, path } = this.#endpoint
    return { path: path(model), headers: beside === undefined ? headers : { ...beside, ...headers }, body: bodyOf(this.#asked(request, continuation), { model, stream, strict: this.strict }), signal }
  }

  /** The request as it is told where the answer is to go on. */
  #asked (request: ChatCompletionRequest, continuation: StreamCall['continuation']): ChatCompletionRequest {
    if (continuation === undefined) return request
    if (this.#continuation !== 'continue_final_message') return continued(request, continuation, { prefix: true })
    return { ...continued(request, continuation), ...CONTINUE_FINAL_MESSAGE }
  }
}

/** @see https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#chat-api */
const CONTINUE_FINAL_MESSAGE = { continue_final_message: true, add_generation_prompt: false }

/** The headers of a request that an SDK has shaped, without those that describe the SDK's own platform and retries. */
export function shapedHeaders (headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !name.startsWith('x-stainless-')))
}

/**
 * A model as one step of a URL's path.
 * @throws {UpstreamError} `invalid_request`: dots, which would be resolved
 */
export function pathStep (model: string): string {
  if (model === '.' || model === '..') {
    throw new UpstreamError('invalid_request', 'There is no such model.', { param: 'model', code: 'model_not_found' })
  }
  return encodeURIComponent(model)
}
