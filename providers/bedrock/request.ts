import type { ConverseCommandInput, InferenceConfiguration, OutputFormat, ServiceTierType } from '@aws-sdk/client-bedrock-runtime'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { CachePointLimit, cacheRulesOf } from './cache-points.ts'
import { invalid, unsupported } from './errors.ts'
import { anthropicSchema } from './json-schema.ts'
import { conversationOf } from './messages.ts'
import { isNova, modelOf } from './model.ts'
import type { Model } from './model.ts'
import { thinkingSettings } from './thinking.ts'
import { toolSettings } from './tools.ts'

/** What Converse and ConverseStream are asked, less the model. */
export type ConverseInput = Pick<ConverseCommandInput,
  'system' | 'messages' | 'inferenceConfig' | 'toolConfig' | 'outputConfig' | 'additionalModelRequestFields' | 'serviceTier'>

/** Fields that have a counterpart in Converse (or are about the HTTP answer, as `stream` is). */
const TRANSLATED: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'temperature', 'top_p', 'top_k', 'max_tokens', 'max_completion_tokens', 'stop', 'tools', 'tool_choice',
  'parallel_tool_calls', 'functions', 'function_call', 'response_format', 'reasoning_effort', 'service_tier'
])

/** Hints that change nothing in the answer; dropped. */
const HINTS: ReadonlySet<string> = new Set(['user', 'metadata', 'store', 'prompt_cache_key', 'prompt_cache_retention', 'safety_identifier'])

/** Fields without a counterpart, and the values of them that ask for nothing. */
const NEUTRAL: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['n', value => value === 1],
  ['presence_penalty', value => value === 0],
  ['frequency_penalty', value => value === 0],
  ['logprobs', value => value === false],
  ['top_logprobs', value => value === 0],
  ['logit_bias', value => isJsonObject(value) && Object.keys(value).length === 0],
  ['modalities', value => Array.isArray(value) && value.every(modality => modality === 'text')]
])

/**
 * A chat request in Converse's terms. What Converse cannot express is refused, never dropped, save for hints.
 * @param id the model's, which decides what the model-specific fields can say
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param`
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export function converseInput (request: ChatCompletionRequest, id: string): ConverseInput {
  refuseUnknown(request)
  const model = modelOf(id)
  const { system, messages, calledTools } = conversationOf(request.messages, model)
  const { thinks, modelFields: thinkingFields, effort } = thinkingSettings(request, model)
  const { toolConfig, modelFields: toolFields } = toolSettings(request, { model, cacheRules: cacheRulesOf(model), calledTools, thinks })
  const textFormat = textFormatOf(request, model)
  const additional = { ...toolFields, ...thinkingFields, ...samplingFields(request, model) }
  const limit = new CachePointLimit([toolConfig?.tools ?? [], system, ...messages.map(({ content }) => content)])
  const serviceTier = serviceTierOf(request, model)
  return {
    ...(toolConfig === undefined ? {} : { toolConfig: { ...toolConfig, tools: limit.apply(toolConfig.tools) } }),
    ...(system.length > 0 ? { system: limit.apply(system) } : {}),
    messages: messages.map(({ role, content }) => ({ role, content: limit.apply(content) })),
    inferenceConfig: inferenceConfigOf(request),
    ...(textFormat === undefined && effort === undefined ? {} : { outputConfig: { ...(textFormat === undefined ? {} : { textFormat }), ...(effort === undefined ? {} : { effort }) } }),
    ...(Object.keys(additional).length > 0 ? { additionalModelRequestFields: additional } : {}),
    ...(serviceTier === undefined ? {} : { serviceTier: { type: serviceTier } })
  }
}

/**
 * Likewise, as the JSON that is sent.
 * @throws {UpstreamError} also `invalid_request`: it is nested deeper than can be written
 */
export function converseBody (request: ChatCompletionRequest, id: string): string {
  try {
    return JSON.stringify(converseInput(request, id))
  } catch (error) {
    throw error instanceof RangeError ? invalid('messages', 'The request is nested too deep.') : error
  }
}

function refuseUnknown (request: ChatCompletionRequest): void {
  for (const [field, value] of Object.entries(request)) {
    if (value == null || TRANSLATED.has(field) || HINTS.has(field) || NEUTRAL.get(field)?.(value) === true) continue
    throw unsupported(field, NEUTRAL.has(field) ? `this value of ${field}` : `the field ${field}`)
  }
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html */
function inferenceConfigOf (request: ChatCompletionRequest): InferenceConfiguration {
  const { temperature, top_p: topP, max_completion_tokens: completion, max_tokens: total, stop } = request
  const maxTokens = completion ?? total ?? undefined
  const stopSequences = typeof stop === 'string' ? [stop] : stop ?? []
  if (temperature != null && temperature > 1) throw unsupported('temperature', 'temperatures above 1')
  if (stopSequences.includes('')) throw invalid('stop', 'A stop sequence is empty.')
  return {
    ...(temperature == null ? {} : { temperature }),
    ...(topP == null ? {} : { topP }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(stopSequences.length > 0 ? { stopSequences } : {})
  }
}

interface SamplingFields {
  readonly top_k?: number
  readonly inferenceConfig?: { readonly topK: number }
}

/**
 * `top_k`, which Converse leaves to the models.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
 * @see https://docs.aws.amazon.com/nova/latest/userguide/getting-started-converse.html
 */
function samplingFields (request: ChatCompletionRequest, model: Model): SamplingFields {
  const { top_k: topK } = request
  if (topK == null) return {}
  if (topK < 0) throw invalid('top_k', 'top_k is a whole number.')
  if (model.vendor === 'anthropic') return { top_k: topK }
  if (isNova(model)) return { inferenceConfig: { topK } }
  throw unsupported('top_k', 'top_k for this model')
}

/**
 * A tier is asked for by the same word. It is a hint, and Bedrock refuses it for models that it does not have it for, so
 * it is sent only for those that AWS has named.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html
 */
function serviceTierOf (request: ChatCompletionRequest, model: Model): ServiceTierType | undefined {
  const tier: string | null | undefined = request.service_tier
  if (tier !== 'flex' && tier !== 'priority') return undefined
  return TIERED.test(`${model.vendor}.${model.name}`) ? tier : undefined
}

const TIERED = /^(?:amazon\.nova-(?:pro|premier|2-lite)-|deepseek\.v3-|openai\.gpt-oss-|qwen\.qwen3-)/

/**
 * Structured output by a schema; `json_object` is made by `toolSettings`.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
function textFormatOf ({ response_format: format }: ChatCompletionRequest, { vendor }: Model): OutputFormat | undefined {
  if (format == null || format.type === 'text' || format.type === 'json_object') return undefined // the latter is a tool
  if (format.type !== 'json_schema') throw unsupported('response_format', 'response formats other than text, json_object and json_schema')
  const { name, description, schema } = format.json_schema
  const at = 'response_format.json_schema.schema'
  if (schema === undefined) throw invalid(at, 'response_format has no schema.')
  const taken = vendor === 'anthropic' ? anthropicSchema(schema, at) : schema
  const jsonSchema = { name, schema: JSON.stringify(taken), ...(description ? { description } : {}) }
  return { type: 'json_schema', structure: { jsonSchema } }
}
