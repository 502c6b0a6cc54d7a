import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { conversationOf } from './messages.ts'
import { settingsOf } from './settings.ts'
import { toolsOf, wantsFunctionCall } from './tools.ts'
import { unsupported } from './unsupported.ts'
import type { GeminiRequest } from './wire.ts'

/** Fields that become something in Gemini's request, or are refused where they are read. */
const TRANSLATED: ReadonlySet<string> = new Set([
  'messages', 'temperature', 'top_p', 'top_k', 'n', 'stop', 'max_tokens', 'max_completion_tokens', 'presence_penalty', 'frequency_penalty', 'seed',
  'logprobs', 'top_logprobs', 'tools', 'tool_choice', 'functions', 'function_call', 'web_search_options', 'response_format', 'reasoning_effort', 'modalities'
])

/** Fields that do not change the answer: bookkeeping, and what the gateway itself acts on. */
const DROPPED: ReadonlySet<string> = new Set([
  'model', 'stream', 'stream_options', 'user', 'metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier', 'cache_control'
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
  if (!turns.some(({ role }) => role === 'user')) throw unsupported('messages', 'it wants one of the user or of a tool that is not empty')
  const body: GeminiRequest = { contents: turns }
  if (system.length > 0) body.systemInstruction = { parts: system }
  Object.assign(body, toolsOf(request, model))
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
      case 'parallel_tool_calls':
        if (value !== true && hasTools(request)) throw unsupported(field, 'it may always make several calls at once')
        break
      default:
        throw unsupported(field, 'it has nothing like it')
    }
  }
}

function hasTools (request: ChatCompletionRequest): boolean {
  return (request.tools ?? []).length > 0 || wantsFunctionCall(request)
}
