import type { Attributes } from '@opentelemetry/api'
import type { AttemptRecord } from '../breaker/attempt.ts'
import type { BegunAttempt } from '../failover/attempt-observer.ts'
import { isJsonObject } from '../schemas/json-object.ts'

/**
 * What spans say. Names that begin with `gen_ai.` are those of OpenTelemetry's conventions in the version below, the last one
 * that has them; those of `gateway.` are ours. Never prompt or answer, nor anything else that a caller has written, but the
 * name of a model.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-spans.md
 */

/** Which version of the semantic conventions spans follow. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0'
/** The event of a stream's first real output. */
export const FIRST_OUTPUT = 'gateway.first_output'

/** A model's name may be as long as its caller likes. */
const MAX_NAME = 128

/** The kinds of providers, as the conventions call them. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  'azure-apim': 'azure.ai.openai',
  'azure-openai': 'azure.ai.openai',
  openai: 'openai',
  gemini: 'gcp.gemini',
  bedrock: 'aws.bedrock'
}

/** An attempt's span. */
export function nameOf ({ model }: BegunAttempt): string {
  return `chat ${model.slice(0, MAX_NAME)}`
}

/** What is known of an attempt before it is made. */
export function beginningOf ({ request, target, provider, model, stream, number, beside, carrying, server }: BegunAttempt, breaker: string | undefined): Attributes {
  const { max_completion_tokens: completionTokens, max_tokens: tokens, temperature, top_p: topP, top_k: topK, frequency_penalty: frequency, presence_penalty: presence, seed, n } = request
  return withoutGaps({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': PROVIDER_NAMES[provider] ?? provider,
    'gen_ai.request.model': model.slice(0, MAX_NAME),
    'gen_ai.request.stream': stream,
    'gen_ai.request.max_tokens': completionTokens ?? tokens,
    'gen_ai.request.temperature': temperature,
    'gen_ai.request.top_p': topP,
    'gen_ai.request.top_k': topK,
    'gen_ai.request.frequency_penalty': frequency,
    'gen_ai.request.presence_penalty': presence,
    'gen_ai.request.seed': seed,
    'gen_ai.request.choice.count': n === 1 ? undefined : n,
    'server.address': server?.address,
    'server.port': server?.port,
    'gateway.target': target,
    'gateway.attempt': number,
    'gateway.hedge': beside,
    'gateway.rescue': carrying,
    'gateway.breaker.state': breaker
  })
}

/** Who answers, by the first chunk of a stream or a whole answer. */
export function identityOf (json: string): Attributes {
  try {
    const answer: unknown = JSON.parse(json)
    if (!isJsonObject(answer)) return {}
    const { id, model } = answer
    return withoutGaps({
      'gen_ai.response.id': nonEmpty(id),
      'gen_ai.response.model': nonEmpty(model)
    })
  } catch {
    return {}
  }
}

/** What came of an attempt. */
export function endOf ({ class: outcome, reason, status, firstOutputMs, chunks, stream, promptTokens, completionTokens, usageSource, finishReason }: AttemptRecord): Attributes {
  return withoutGaps({
    'gen_ai.response.finish_reasons': finishReason === null ? undefined : [finishReason],
    'gen_ai.usage.input_tokens': promptTokens,
    'gen_ai.usage.output_tokens': completionTokens,
    'http.response.status_code': status,
    'error.type': isError(reason) ? reason : undefined,
    'gateway.outcome': outcome,
    'gateway.reason': reason,
    'gateway.time_to_first_output': firstOutputMs === null ? undefined : firstOutputMs / 1000,
    'gateway.chunks': stream ? chunks : undefined,
    'gateway.usage.source': usageSource
  })
}

/** Nobody waited for the answer any more: that is no error. */
export function isError (reason: AttemptRecord['reason']): reason is NonNullable<AttemptRecord['reason']> {
  return reason !== null && reason !== 'client_closed' && reason !== 'outpaced'
}

function nonEmpty (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME) : undefined
}

/** Attributes without those that there is no value for. */
export function withoutGaps (attributes: Readonly<Record<string, string | number | boolean | string[] | null | undefined>>): Attributes {
  const present: Attributes = {}
  for (const name in attributes) {
    const value = attributes[name]
    if (value != null) present[name] = value
  }
  return present
}
