import { namesOf, UpstreamError } from '../../errors/upstream-error.ts'
import { jsonValue } from '../../schemas/json-object.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { ReaderPump } from '../../upstream/event-pump.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import type { UpstreamRequest } from '../../upstream/http-upstream.ts'
import { continued } from '../continued.ts'
import type { Completion, CompletionCall, Continues, Provider, ServerAddress, StreamCall } from '../provider.ts'
import { ChunkTranslator } from './chunk-translator.ts'
import { refusalError } from './errors.ts'
import { jsonText } from './json.ts'
import type { AnswerContext } from './message.ts'
import { geminiRequest } from './request.ts'
import { completionOf } from './response.ts'
import { StreamReader } from './stream-reader.ts'
import { wantsFunctionCall } from './tools.ts'

/** Where a Gemini target is, and with what it is asked. */
export interface GeminiTarget {
  /** With or without the version (`/v1beta`) at its end. */
  readonly baseURL: string
  readonly apiKey: string
  /** With or without `models/` before it. */
  readonly model: string
  /** Whether the model goes on from a turn of its own at the end of the conversation. Default: not. */
  readonly modelTurn?: boolean
}

/** The version that knows all that the gateway asks for. */
const VERSION = '/v1beta'

/**
 * A model of Google's Gemini API.
 *
 * The bytes are moved by the gateway's own HTTP client and not by `@google/generative-ai`, of which types and enums are
 * used. Its `generateContentStream` tees the response, and the branch that nobody reads is buffered without bound, so
 * that a slow client's backpressure never reaches Google; and it calls the global `fetch`, which has one connection
 * pool for the whole process and takes no other.
 */
export class GeminiProvider implements Provider {
  readonly kind = 'gemini'
  readonly model: string
  readonly #upstream: HttpUpstream
  readonly #root: string
  readonly #apiKey: string
  readonly #secrets: readonly string[]
  readonly #continues: Continues

  /** @throws {TypeError} the base URL is none */
  constructor ({ baseURL, apiKey, model, modelTurn = false }: GeminiTarget) {
    const { origin, pathname } = new URL(baseURL)
    const path = pathname.replace(/\/+$/, '')
    this.#root = /\/v1(?:alpha|beta)?$/.test(path) ? path : path + VERSION
    this.#apiKey = apiKey
    this.#secrets = [apiKey, ...namesOf(baseURL)]
    this.#upstream = new HttpUpstream({ origin })
    this.model = model
    this.#continues = modelTurn ? 'prefix' : 'none'
  }

  async complete (call: CompletionCall): Promise<Completion> {
    const response = await this.#upstream.whole(this.#request(call, 'generateContent'))
    if (response.status < 200 || response.status >= 300) throw refusalError(response, this.#secrets)
    const completion = completionOf(jsonValue(response.text), this.#context(call))
    return {
      json: JSON.stringify(completion),
      finishReason: completion.choices[0]?.finish_reason ?? null,
      usage: completion.usage ?? undefined
    }
  }

  async stream (call: StreamCall): Promise<CompletionStream> {
    const { request, queue } = call
    const writer = new CompletionWriter({ ...queue, choices: request.n ?? 1, includeUsage: request.stream_options?.include_usage === true })
    const { translate, flush } = new ChunkTranslator(this.#context(call))
    const response = await this.#upstream.stream(
      this.#request({ ...call, request: continued(request, call.continuation) }, 'streamGenerateContent?alt=sse'),
      flow => {
        const reader = new StreamReader()
        return new ReaderPump(writer, reader, translate, flow, reader.flushing(flush))
      }
    )
    if (response.kind === 'refused') throw refusalError(response.response, this.#secrets)
    return writer
  }

  get server (): ServerAddress { return this.#upstream.server }

  /** Google documents it for no model, and some refuse it: so the configuration says it of this one. */
  continues (): Continues { return this.#continues }

  async close (): Promise<void> {
    await this.#upstream.close()
  }

  #request (call: CompletionCall, method: string): UpstreamRequest {
    const model = modelOf(call.model ?? this.model)
    const body = jsonText(geminiRequest(call.request, model))
    if (body === undefined) throw new UpstreamError('invalid_request', 'The request is nested too deeply.')
    return {
      path: `${this.#root}/models/${encodeURIComponent(model)}:${method}`,
      headers: {
        ...call.headers,
        'content-type': 'application/json',
        // Not in the URL, where it would end up in the logs of every proxy.
        'x-goog-api-key': this.#apiKey
      },
      body,
      signal: call.signal
    }
  }

  #context (call: CompletionCall): AnswerContext {
    return {
      model: modelOf(call.model ?? this.model),
      created: Math.floor(Date.now() / 1000),
      secrets: this.#secrets,
      functionCall: wantsFunctionCall(call.request)
    }
  }
}

function modelOf (name: string): string {
  return name.startsWith('models/') ? name.slice('models/'.length) : name
}
