/**
 * Ollama by its own protocol (`/api/chat`, one JSON object a line) as a target of the gateway: a provider in one file, outside
 * of the gateway's package.
 *
 *     {"name": "local", "plugin": "./ollama-provider.ts", "options": {"baseURL": "http://127.0.0.1:11434", "model": "llama3.2"}}
 *
 * @see https://docs.ollama.com/api/chat
 */
import { randomUUID } from 'node:crypto'
import { CompletionWriter, HttpUpstream, ReaderPump, Type, UpstreamError, defineProvider, factsOf, isJsonObject, namesOf, objectOf, outputLengthOf, retryAfterMs, withoutSecrets } from 'llm-stream-gateway/providers'
import type { ChatCompletionRequest, Chunk, Completion, CompletionCall, CompletionStream, EventReader, FinishReason, JsonObject, Message, Provider, Static, StreamCall, UpstreamRequest, WholeResponse } from 'llm-stream-gateway/providers'

const OllamaOptions = Type.Object({
  baseURL: Type.String({ pattern: '^https?://[^\\s]+$' }),
  model: Type.String({ minLength: 1 })
}, { additionalProperties: false })

/** The plugin: register it once for each target, or let a target of the gateway name this file. */
export default defineProvider('ollama', OllamaOptions, async options => new OllamaProvider(options))

class OllamaProvider implements Provider {
  readonly kind = 'ollama'
  readonly model: string
  readonly #upstream: HttpUpstream
  readonly #path: string
  /** What no error may quote. */
  readonly #secrets: readonly string[]

  constructor ({ baseURL, model }: Static<typeof OllamaOptions>) {
    const { origin, pathname } = new URL(baseURL)
    this.model = model
    this.#upstream = new HttpUpstream({ origin })
    this.#path = `${pathname.replace(/\/+$/, '')}/api/chat`
    this.#secrets = namesOf(baseURL)
  }

  async complete (call: CompletionCall): Promise<Completion> {
    const response = await this.#upstream.whole(this.#request(call, false))
    const body = objectOf(response.text)
    if (response.status !== 200) throw refusal(response, this.#secrets)
    if (body === undefined || body['done'] !== true) throw new UpstreamError('malformed', 'The provider\'s answer is not whole.')
    const { delta, calls } = said(body)
    const finishReason = finishReasonOf(body, calls)
    const usage = usageOf(body)
    const message = { role: 'assistant', content: null, ...delta, ...(calls ? { tool_calls: callsOf(body).map(({ index, ...call }) => call) } : {}) }
    return {
      json: JSON.stringify({ ...headOf('chat.completion', this.#modelOf(call)), choices: [{ index: 0, message, finish_reason: finishReason, logprobs: null }], usage }),
      finishReason,
      usage
    }
  }

  async stream (call: StreamCall): Promise<CompletionStream> {
    // Decides what is complete: an answer without a finish reason never is.
    const writer = new CompletionWriter({ ...call.queue, includeUsage: call.request.stream_options?.include_usage === true })
    const head = headOf('chat.completion.chunk', this.#modelOf(call))
    const chunk = (rest: JsonObject): Chunk => {
      const body: JsonObject = { ...head, ...rest }
      return { json: JSON.stringify(body), facts: factsOf(body), characters: outputLengthOf(body) }
    }
    let calledAny = false
    const translate = (line: JsonObject): Chunk[] => {
      if (typeof line['error'] === 'string') throw new UpstreamError('in_band_error', 'The provider reported an error.')
      const { delta, calls } = said(line)
      calledAny ||= calls
      const chunks = Object.keys(delta).length + (calls ? 1 : 0) === 0
        ? []
        : [chunk({ choices: [{ index: 0, delta: { ...delta, ...(calls ? { tool_calls: callsOf(line) } : {}) }, finish_reason: null }] })]
      if (line['done'] !== true) return chunks
      return [...chunks, chunk({ choices: [{ index: 0, delta: {}, finish_reason: finishReasonOf(line, calledAny) }] }), chunk({ choices: [], usage: usageOf(line) })]
    }
    const response = await this.#upstream.stream(this.#request(call, true), flow => new ReaderPump(writer, new LineReader(), translate, flow))
    if (response.kind === 'refused') throw refusal(response.response, this.#secrets)
    return writer
  }

  close (): Promise<void> {
    return this.#upstream.close()
  }

  #modelOf ({ model = this.model }: CompletionCall): string {
    return model
  }

  #request (call: CompletionCall, stream: boolean): UpstreamRequest {
    const body = JSON.stringify({ ...bodyOf(call.request), model: this.#modelOf(call), stream })
    return { path: this.#path, headers: { 'content-type': 'application/json' }, body, signal: call.signal }
  }
}

/** Cuts the bytes into lines, each of them an object. What it throws ends the stream as malformed. */
class LineReader implements EventReader<JsonObject> {
  readonly #decoder = new TextDecoder()
  #text = ''

  push (bytes: Buffer): void {
    this.#text += this.#decoder.decode(bytes, { stream: true })
  }

  next (): JsonObject | undefined {
    const end = this.#text.indexOf('\n')
    if (end === -1) {
      if (this.#text.length > MAX_LINE_LENGTH) throw new Error('a line without an end')
      return undefined
    }
    const line = objectOf(this.#text.slice(0, end))
    this.#text = this.#text.slice(end + 1)
    if (line === undefined) throw new Error('a line that is no object')
    return line
  }
}

/** UTF-16 units. */
const MAX_LINE_LENGTH = 8 * 1024 * 1024

// ---- the request

/** @throws {UpstreamError} `unsupported`: Ollama cannot express it, so the next target is asked */
function bodyOf ({ messages, n, tools, response_format: format, temperature, top_p: topP, top_k: topK, seed, stop, max_completion_tokens: most, max_tokens: mostOf, ...rest }: ChatCompletionRequest): JsonObject {
  if (n !== undefined && n !== null && n > 1) throw unsupported('n')
  for (const param of ['logprobs', 'audio', 'functions', 'prediction'] as const) if (rest[param]) throw unsupported(param)
  if (rest.tool_choice !== undefined && rest.tool_choice !== null && rest.tool_choice !== 'auto' && rest.tool_choice !== 'none') throw unsupported('tool_choice')
  if (tools?.some(({ type }) => type !== 'function') === true) throw unsupported('tools')
  const options = { temperature, top_p: topP, top_k: topK, seed, stop: typeof stop === 'string' ? [stop] : stop, num_predict: most ?? mostOf }
  return {
    messages: messages.map(messageOf),
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null)),
    ...(tools && rest.tool_choice !== 'none' ? { tools } : {}),
    ...(format?.type === 'json_object' ? { format: 'json' } : format?.type === 'json_schema' ? { format: format.json_schema.schema } : {})
  }
}

function messageOf (message: Message): JsonObject {
  switch (message.role) {
    case 'system':
    case 'developer': return { role: 'system', ...contentOf(message.content) }
    case 'user': return { role: 'user', ...contentOf(message.content) }
    case 'tool': return { role: 'tool', ...contentOf(message.content) }
    case 'assistant': {
      const calls = message.tool_calls?.map(call => {
        if (call.type !== 'function') throw unsupported('messages')
        return { function: { name: call.function.name, arguments: objectOf(call.function.arguments) ?? {} } }
      })
      return { role: 'assistant', ...contentOf(message.content ?? ''), ...(calls === undefined ? {} : { tool_calls: calls }) }
    }
    case 'function': throw unsupported('messages')
  }
}

function contentOf (content: Exclude<Message['content'], null | undefined>): { content: string, images?: string[] } {
  if (typeof content === 'string') return { content }
  const images: string[] = []
  let text = ''
  for (const part of content) {
    const image = part.type === 'image_url' ? /^data:image\/[\w.+-]+;base64,(.+)$/s.exec(part.image_url.url)?.[1] : undefined
    if (part.type === 'text') text += part.text
    else if (image !== undefined) images.push(image)
    else throw unsupported('messages')
  }
  return { content: text, ...(images.length === 0 ? {} : { images }) }
}

function unsupported (param: string): UpstreamError {
  return new UpstreamError('unsupported', `Ollama cannot express this: ${param}.`, { param })
}

// ---- the answer

function headOf (object: string, model: string) {
  return { id: `chatcmpl-${randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model }
}

/** What a line or a whole answer says, and whether it calls tools. */
function said (line: JsonObject): { readonly delta: { content?: string, reasoning_content?: string }, readonly calls: boolean } {
  const message = isJsonObject(line['message']) ? line['message'] : {}
  const { content, thinking, tool_calls: calls } = message
  return {
    delta: {
      ...(typeof content === 'string' && content !== '' ? { content } : {}),
      ...(typeof thinking === 'string' && thinking !== '' ? { reasoning_content: thinking } : {})
    },
    calls: Array.isArray(calls) && calls.length > 0
  }
}

function callsOf ({ message }: JsonObject) {
  const calls: unknown[] = isJsonObject(message) && Array.isArray(message['tool_calls']) ? message['tool_calls'] : []
  return calls.map((call, index) => {
    const called = isJsonObject(call) && isJsonObject(call['function']) ? call['function'] : {}
    return { index, id: `call_${randomUUID()}`, type: 'function' as const, function: { name: String(called['name']), arguments: JSON.stringify(called['arguments'] ?? {}) } }
  })
}

function finishReasonOf ({ done_reason: reason }: JsonObject, called: boolean): FinishReason {
  if (reason === 'length') return 'length'
  return called ? 'tool_calls' : 'stop'
}

function usageOf ({ prompt_eval_count: prompt, eval_count: completion }: JsonObject) {
  const promptTokens = typeof prompt === 'number' ? prompt : 0
  const completionTokens = typeof completion === 'number' ? completion : 0
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens }
}

/** What a status means: the reason decides what the breaker does, and whether the next target is asked. */
function refusal ({ status, headers, text }: WholeResponse, secrets: readonly string[]): UpstreamError {
  const message = objectOf(text)?.['error']
  if (status === 404) return new UpstreamError('not_found', 'The provider does not know the model.', { status })
  if (status === 429) return new UpstreamError('rate_limited', 'The provider is rate limited.', { status, retryAfterMs: retryAfterMs(headers) })
  if (status === 401 || status === 403) return new UpstreamError('unauthorized', 'The provider refuses the gateway.', { status })
  if (status >= 500) return new UpstreamError('upstream_error', `The provider failed with status ${status}.`, { status })
  return new UpstreamError('invalid_request', typeof message === 'string' ? withoutSecrets(message, secrets) : 'The provider refused the request.', { status })
}
