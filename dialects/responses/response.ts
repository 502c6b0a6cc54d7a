import { GatewayError } from '../../errors/gateway-error.ts'
import type { Usage } from '../../schemas/chat-completion.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { ResponsesAnswer, ResponsesError, ResponsesUsage } from '../../schemas/responses-answer.ts'
import type { ResponsesRequest } from '../../schemas/responses-request.ts'
import { usageOf } from '../../streams/chunk-facts.ts'
import { outputDeltaOf } from './delta.ts'
import type { Emit } from './message-item.ts'
import { AnswerOutput } from './output.ts'
import { INCLUDE_ENCRYPTED, INCLUDE_LOGPROBS } from './request.ts'
import { isStrict } from './tools.ts'

/** A request but for what it tells the model: what answers repeat, and go by. */
export type RequestSettings = Omit<ResponsesRequest, 'input'>

/** What an answer needs beside what the model says. */
export interface AnswerContext {
  readonly request: RequestSettings
  /** Unique: what the ids of the answer and of its items end in. */
  readonly id: string
  /** Unix time, in ms. */
  readonly now: () => number
}

/** What a choice says of its end. */
type End = { readonly status: 'completed' } | { readonly status: 'incomplete', readonly reason: 'max_output_tokens' | 'content_filter' }

/** One answer, from chunks or from a whole completion. */
export class ResponseInProgress {
  readonly #context: AnswerContext
  readonly #output: AnswerOutput
  readonly #echo: Echo
  readonly #logprobs: boolean
  #createdAt: number
  #model: string
  #serviceTier: string | null = null
  #finishReason: string | null = null
  #usage: Usage | undefined

  /** @param emit gets the events of the output */
  constructor (context: AnswerContext, emit: Emit) {
    const { request, id, now } = context
    this.#context = context
    this.#createdAt = seconds(now())
    this.#model = request.model ?? ''
    this.#echo = echoOf(request)
    this.#logprobs = request.include?.includes(INCLUDE_LOGPROBS) === true || (request.top_logprobs ?? 0) > 0
    this.#output = new AnswerOutput({
      id,
      reasoning: { summary: summaryOf(request) !== null, encrypted: request.include?.includes(INCLUDE_ENCRYPTED) === true },
      emit
    })
  }

  /** What it holds, in characters, roughly. */
  get size (): number { return this.#output.size }

  /**
   * Takes what is said about the answer as a whole.
   * @returns its one choice, which `say` takes; undefined if there is none in it
   */
  observe (body: JsonObject): JsonObject | undefined {
    const { model, created, service_tier: tier, choices } = body
    if (typeof model === 'string' && model !== '') this.#model = model
    if (typeof created === 'number' && created > 0) this.#createdAt = Math.floor(created)
    if (typeof tier === 'string') this.#serviceTier = tier
    this.#usage = usageOf(body['usage']) ?? this.#usage
    return Array.isArray(choices) ? choices.filter(isJsonObject).find(({ index = 0 }) => index === 0) : undefined
  }

  /** Takes what the model said, of a chunk's choice or a completion's. */
  say (choice: JsonObject): void {
    const { finish_reason: reason } = choice
    if (typeof reason === 'string' && reason !== '') this.#finishReason = reason
    const delta = outputDeltaOf(choice)
    this.#output.add(this.#logprobs ? delta : { ...delta, logprobs: [] })
  }

  /** The answer before its end, without output. */
  begun (): ResponsesAnswer {
    return this.#answer({ status: 'in_progress' })
  }

  /** Ends the output; the answer with all of it. */
  finished (): ResponsesAnswer {
    const end = endOf(this.#finishReason)
    this.#output.end(end.status)
    const output = this.#output.items
    if (end.status === 'incomplete') return this.#answer({ status: end.status, output, incomplete_details: { reason: end.reason } })
    return this.#answer({ status: end.status, output, completed_at: seconds(this.#context.now()) })
  }

  /** The answer that broke. Without its output, which nobody shall take for an answer; the deltas were sent. */
  failed (error: GatewayError): ResponsesAnswer {
    return this.#answer({ status: 'failed', error: { code: errorCode(error), message: error.message } })
  }

  #answer (state: Pick<ResponsesAnswer, 'status'> & Partial<ResponsesAnswer>): ResponsesAnswer {
    return {
      id: `resp_${this.#context.id}`,
      object: 'response',
      created_at: this.#createdAt,
      error: null,
      incomplete_details: null,
      model: this.#model,
      output: [],
      usage: this.#usage === undefined || state.status === 'in_progress' ? null : responsesUsage(this.#usage),
      service_tier: this.#serviceTier,
      ...this.#echo,
      ...state
    }
  }
}

function seconds (ms: number): number { return Math.floor(ms / 1000) }

/** @see https://platform.openai.com/docs/api-reference/responses/object for the reasons */
function endOf (finishReason: string | null): End {
  if (finishReason === 'length') return { status: 'incomplete', reason: 'max_output_tokens' }
  if (finishReason === 'content_filter') return { status: 'incomplete', reason: 'content_filter' }
  return { status: 'completed' }
}

/** The API has few codes; the error event has the gateway's own. */
function errorCode ({ type, code }: GatewayError): ResponsesError['code'] {
  if (type === 'rate_limit_error') return 'rate_limit_exceeded'
  return code === 'content_filter' ? 'invalid_prompt' : 'server_error'
}

function summaryOf ({ reasoning }: RequestSettings): string | null {
  return reasoning?.summary ?? reasoning?.generate_summary ?? null
}

/** What an answer repeats of its request. */
type Echo = Omit<ResponsesAnswer, 'id' | 'object' | 'created_at' | 'status' | 'completed_at' | 'error' | 'incomplete_details' | 'model' | 'output' | 'usage' | 'service_tier'>

function echoOf (request: RequestSettings): Echo {
  return {
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: summaryOf(request) },
    safety_identifier: request.safety_identifier ?? null,
    store: false,
    background: false,
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    top_logprobs: request.top_logprobs ?? 0,
    text: { format: request.text?.format ?? { type: 'text' }, ...(request.text?.verbosity == null ? {} : { verbosity: request.text.verbosity }) },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (request.tools ?? []).map(tool => tool.type === 'function' ? { ...tool, strict: isStrict(tool) } : tool),
    truncation: 'disabled',
    access_programs: null,
    ...(request.user == null ? {} : { user: request.user })
  }
}

function responsesUsage (usage: Usage): ResponsesUsage {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total, prompt_tokens_details: read, completion_tokens_details: written } = usage
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: countIn(read, 'cached_tokens'), cache_write_tokens: countIn(read, 'cache_write_tokens') },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: countIn(written, 'reasoning_tokens') },
    total_tokens: total
  }
}

function countIn (details: unknown, field: string): number {
  const count = isJsonObject(details) ? details[field] : undefined
  return typeof count === 'number' ? count : 0
}

/** 502: a target answered with something that is no completion. */
export function malformedAnswer (): GatewayError {
  return new GatewayError(502, 'The provider sent something that the gateway cannot read.', { type: 'server_error', code: 'malformed_answer' })
}
