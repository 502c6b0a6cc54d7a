import { FunctionCallingMode } from '@google/generative-ai'
import type { FunctionCallingConfig } from '@google/generative-ai'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { Tool, ToolChoice } from '../../schemas/tools.ts'
import { conversationOf } from './messages.ts'
import { unsupported } from './unsupported.ts'
import { generationOf } from './wire.ts'
import type { Declaration, GeminiRequest, Settings, ThinkingConfig } from './wire.ts'

/** Fields that become something in Gemini's request, or are refused where they are read. */
const TRANSLATED: ReadonlySet<string> = new Set([
  'messages', 'temperature', 'top_p', 'n', 'stop', 'max_tokens', 'max_completion_tokens', 'presence_penalty', 'frequency_penalty',
  'seed', 'logprobs', 'top_logprobs', 'tools', 'tool_choice', 'response_format', 'reasoning_effort'
])

/** Fields that do not change the answer: bookkeeping, and what the gateway itself acts on. */
const DROPPED: ReadonlySet<string> = new Set([
  'model', 'stream', 'stream_options', 'user', 'metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier'
])

/**
 * Translates a chat completion request into the body of Gemini's `generateContent` and `streamGenerateContent`.
 * @param model the model it is for: some settings differ between generations
 * @throws {UpstreamError} `unsupported`, naming the field that Gemini cannot express; `invalid_request` for a request
 *   that contradicts itself
 * @see https://ai.google.dev/api/generate-content
 */
export function geminiRequest (request: ChatCompletionRequest, model: string): GeminiRequest {
  refuseOtherFields(request)
  const { system, turns } = conversationOf(request.messages, model)
  if (turns.length === 0) throw unsupported('messages', 'it wants one that is neither a system message nor empty')
  const body: GeminiRequest = { contents: turns }
  if (system.length > 0) body.systemInstruction = { parts: system }
  const functionDeclarations = (request.tools ?? []).map(declarationOf)
  if (functionDeclarations.length > 0) body.tools = [{ functionDeclarations }]
  if (request.tool_choice != null) {
    const functionCallingConfig = callingConfig(request.tool_choice)
    if (functionDeclarations.length > 0) body.toolConfig = { functionCallingConfig }
    else if (functionCallingConfig.mode === FunctionCallingMode.ANY) {
      throw new UpstreamError('invalid_request', 'tool_choice asks for a call, but there are no tools.', { param: 'tool_choice' })
    }
  }
  const generationConfig = settingsOf(request, model)
  if (Object.keys(generationConfig).length > 0) body.generationConfig = generationConfig
  return body
}

/** OpenAI's clients send null for "not set", and some send a field's default: neither asks for anything. */
function refuseOtherFields (request: ChatCompletionRequest): void {
  for (const [field, value] of Object.entries(request)) {
    if (value == null || TRANSLATED.has(field) || DROPPED.has(field)) continue
    switch (field) {
      case 'logit_bias':
        if (Object.keys(value).length > 0) throw unsupported(field, 'its tokens have other numbers')
        break
      case 'modalities':
        if (request.modalities?.length !== 1 || request.modalities[0] !== 'text') throw unsupported(field, 'only text is translated')
        break
      case 'parallel_tool_calls':
        if (value !== true) throw unsupported(field, 'it may always make several calls at once')
        break
      default:
        throw unsupported(field, 'it has nothing like it')
    }
  }
}

// ---- tools

function declarationOf (tool: Tool, i: number): Declaration {
  if (tool.type !== 'function') throw unsupported(`tools[${i}].type`, 'only functions are translated')
  // `strict` is dropped: Gemini decodes calls against their schema as it sees fit, and has no switch for it.
  const { name, description, parameters } = tool.function
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters == null ? {} : { parametersJsonSchema: parameters })
  }
}

function callingConfig (choice: ToolChoice): FunctionCallingConfig {
  if (choice === 'none') return { mode: FunctionCallingMode.NONE }
  if (choice === 'auto') return { mode: FunctionCallingMode.AUTO }
  if (choice === 'required') return { mode: FunctionCallingMode.ANY }
  if (choice.type !== 'function') throw unsupported('tool_choice', `it has no choice of type ${choice.type}`)
  return { mode: FunctionCallingMode.ANY, allowedFunctionNames: [choice.function.name] }
}

// ---- settings

function settingsOf (request: ChatCompletionRequest, model: string): Settings {
  const settings: Settings = {}
  const { stop, response_format: format, reasoning_effort: effort } = request
  const maxTokens = request.max_completion_tokens ?? request.max_tokens
  if (request.temperature != null) settings.temperature = request.temperature
  if (request.top_p != null) settings.topP = request.top_p
  if (maxTokens != null) settings.maxOutputTokens = maxTokens
  if (request.n != null) settings.candidateCount = request.n
  if (stop != null) settings.stopSequences = typeof stop === 'string' ? [stop] : stop
  if (request.seed != null) settings.seed = request.seed
  if (request.presence_penalty != null) settings.presencePenalty = request.presence_penalty
  if (request.frequency_penalty != null) settings.frequencyPenalty = request.frequency_penalty
  if (request.logprobs === true) settings.responseLogprobs = true
  if (request.logprobs === true && request.top_logprobs != null) settings.logprobs = request.top_logprobs
  if (format != null) Object.assign(settings, formatOf(format))
  if (effort != null) settings.thinkingConfig = thinkingOf(effort, model)
  return settings
}

function formatOf (format: NonNullable<ChatCompletionRequest['response_format']>): Pick<Settings, 'responseMimeType' | 'responseJsonSchema'> {
  switch (format.type) {
    case 'text': return {}
    case 'json_object': return { responseMimeType: 'application/json' }
    case 'json_schema': {
      const { schema } = format.json_schema
      return { responseMimeType: 'application/json', ...(schema === undefined ? {} : { responseJsonSchema: schema }) }
    }
    default: throw unsupported('response_format.type', 'it answers in text, JSON, or JSON of a schema')
  }
}

/** Since Gemini 3 by level, before (and for names that tell no generation, as Gemini 3 takes it too) by budget. */
const LEVELS_SINCE = 3

/** Tokens for each effort, as Google's own OpenAI endpoint has them. */
const BUDGETS: ReadonlyMap<string, number> = new Map([['none', 0], ['minimal', 1024], ['low', 1024], ['medium', 8192], ['high', 24_576]])

/** @see https://ai.google.dev/gemini-api/docs/openai#thinking */
function thinkingOf (effort: string, model: string): ThinkingConfig {
  // Thoughts are asked for: who sets an effort reads `reasoning_content`, and output that comes early shows that the target is well.
  const includeThoughts = effort !== 'none'
  const generation = generationOf(model)
  if (generation === undefined || generation < LEVELS_SINCE) {
    const thinkingBudget = BUDGETS.get(effort)
    if (thinkingBudget === undefined) throw unsupported('reasoning_effort', 'it knows none, minimal, low, medium and high')
    return { includeThoughts, thinkingBudget }
  }
  switch (effort) {
    case 'minimal': return { includeThoughts, thinkingLevel: model.includes('pro') ? 'low' : 'minimal' }
    case 'low':
    case 'medium':
    case 'high': return { includeThoughts, thinkingLevel: effort }
    case 'none': throw unsupported('reasoning_effort', 'this model always thinks')
    default: throw unsupported('reasoning_effort', 'it knows minimal, low, medium and high')
  }
}
