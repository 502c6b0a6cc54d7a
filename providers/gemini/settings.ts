import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { geminiSchema } from './json-schema.ts'
import { thinkingConfigOf } from './thinking.ts'
import { unsupported } from './unsupported.ts'
import type { Settings } from './wire.ts'

/** @see https://ai.google.dev/api/generate-content#generationconfig */
const MAX_CANDIDATES = 8
const MAX_STOP_SEQUENCES = 5
/** Its numbers are of 32 bits. */
const MAX_INT = 2 ** 31 - 1

/**
 * The settings of a request.
 * @param request may hold more fields than the schema names
 * @throws {UpstreamError} `unsupported` or `invalid_request`
 */
export function settingsOf (request: ChatCompletionRequest, model: string): Settings {
  const settings: Settings = {}
  const { stop, response_format: format, seed, n } = request
  const maxTokens = request.max_completion_tokens ?? request.max_tokens
  if (request.temperature != null) settings.temperature = request.temperature
  if (request.top_p != null) settings.topP = request.top_p
  if (request.top_k != null) settings.topK = topKOf(request.top_k)
  if (maxTokens != null) settings.maxOutputTokens = inRange(maxTokens, request.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens')
  if (n != null) {
    if (n > MAX_CANDIDATES) throw unsupported('n', `it gives up to ${MAX_CANDIDATES} answers`)
    settings.candidateCount = n
  }
  if (stop != null) settings.stopSequences = stopsOf(stop)
  if (seed != null) settings.seed = inRange(seed, 'seed')
  if (request.presence_penalty != null) settings.presencePenalty = request.presence_penalty
  if (request.frequency_penalty != null) settings.frequencyPenalty = request.frequency_penalty
  Object.assign(settings, logprobsOf(request))
  if (format != null) Object.assign(settings, formatOf(format))
  if (request.modalities != null) Object.assign(settings, modalitiesOf(request.modalities))
  const thinkingConfig = thinkingConfigOf(request, model)
  if (thinkingConfig !== undefined) settings.thinkingConfig = thinkingConfig
  return settings
}

function inRange (value: number, param: string): number {
  if (Math.abs(value) > MAX_INT) throw unsupported(param, `it takes numbers up to ${MAX_INT}`)
  return value
}

function topKOf (value: number): number {
  if (value < 1 || value > MAX_INT) {
    throw new UpstreamError('invalid_request', 'top_k is no positive integer.', { param: 'top_k' })
  }
  return value
}

function stopsOf (stop: string | readonly string[]): string[] {
  const stops = typeof stop === 'string' ? [stop] : [...stop]
  if (stops.length > MAX_STOP_SEQUENCES) throw unsupported('stop', `it takes up to ${MAX_STOP_SEQUENCES} sequences`)
  return stops
}

function logprobsOf ({ logprobs, top_logprobs: top }: ChatCompletionRequest): Pick<Settings, 'responseLogprobs' | 'logprobs'> {
  if (logprobs === true) return { responseLogprobs: true, ...(top == null ? {} : { logprobs: top }) }
  if (top != null && top > 0) throw new UpstreamError('invalid_request', 'top_logprobs needs logprobs.', { param: 'top_logprobs' })
  return {}
}

function formatOf (format: NonNullable<ChatCompletionRequest['response_format']>): Pick<Settings, 'responseMimeType' | 'responseJsonSchema'> {
  switch (format.type) {
    case 'text': return {}
    case 'json_object': return { responseMimeType: 'application/json' }
    case 'json_schema': {
      const { schema, strict } = format.json_schema
      return {
        responseMimeType: 'application/json',
        ...(schema === undefined ? {} : { responseJsonSchema: geminiSchema(schema, 'response_format.json_schema.schema', { strict: strict === true, answer: true }) })
      }
    }
    default: throw unsupported('response_format.type', 'it answers in text, JSON, or JSON of a schema')
  }
}

function modalitiesOf (modalities: readonly string[]): Pick<Settings, 'responseModalities'> {
  const wanted = modalities.map(modality => {
    if (modality === 'text') return 'TEXT'
    if (modality === 'image') return 'IMAGE'
    throw unsupported('modalities', 'text and images are translated')
  })
  // Text alone is what it answers with anyway.
  return wanted.includes('IMAGE') ? { responseModalities: wanted } : {}
}
