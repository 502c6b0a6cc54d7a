import { Type } from 'typebox'
import type { Static } from 'typebox'

/** The options of each kind of provider, as they stand under `options` of a target in the `GATEWAY_CONFIG` file. */

/** A base URL comes from the operator alone, never from a request. */
const HttpUrl = Type.String({ pattern: '^https?://[^\\s]+$', description: 'An http or https URL.' })
const Text = Type.String({ minLength: 1 })
/** Printable, as it goes into a header: one that cannot would be quoted in the error of whoever builds the header. */
const Secret = Type.String({ pattern: '^\\s*[\\x21-\\x7e][\\x20-\\x7e]*\\s*$', description: 'A secret, best taken from the environment by a placeholder.' })

/** A deployment of Azure OpenAI, direct or behind API Management. */
export const AzureOptions = Type.Object({
  endpoint: HttpUrl,
  deployment: Text,
  apiVersion: Text,
  apiKey: Secret
}, { additionalProperties: false })
export type AzureOptions = Static<typeof AzureOptions>

/**
 * How a server of the chat completions format is told to go on from a text, by those that can: vLLM and SGLang by
 * `continue_final_message`, others by `prefix` on the last message, of which some answer with what follows it, and some repeat
 * it first (`prefix_echoed`).
 */
const ChatContinuation = Type.Union([Type.Literal('none'), Type.Literal('continue_final_message'), Type.Literal('prefix'), Type.Literal('prefix_echoed')], {
  default: 'none', description: 'How the server is told to carry on an answer that broke off, for midstreamFailover: continue. None: it cannot, as OpenAI\'s own.'
})
export type ChatContinuation = Static<typeof ChatContinuation>

/** OpenAI, or any server that speaks its API; one that has a base URL of its own may want no key. */
export const OpenAIOptions = Type.Object({
  baseURL: Type.Optional(HttpUrl),
  apiKey: Type.Optional(Secret),
  model: Text,
  continuation: Type.Optional(ChatContinuation)
}, { additionalProperties: false })
export type OpenAIOptions = Static<typeof OpenAIOptions>

/** Google's Gemini API. */
export const GeminiOptions = Type.Object({
  baseURL: Type.Optional(HttpUrl),
  apiKey: Secret,
  model: Text,
  continuation: Type.Optional(Type.Union([Type.Literal('none'), Type.Literal('model_turn')], {
    default: 'none', description: 'Whether the model goes on from a turn of its own at the end, for midstreamFailover: continue. Some refuse such a request.'
  }))
}, { additionalProperties: false })
export type GeminiOptions = Static<typeof GeminiOptions>

/** AWS Bedrock; credentials by AWS's default chain. */
export const BedrockOptions = Type.Object({
  modelId: Text,
  region: Text,
  endpoint: Type.Optional(HttpUrl)
}, { additionalProperties: false })
export type BedrockOptions = Static<typeof BedrockOptions>
