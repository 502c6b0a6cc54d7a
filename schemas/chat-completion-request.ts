import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Content, Message } from './messages.ts'
import { Nullable } from './nullable.ts'
import { openEnum } from './open-enum.ts'
import { taggedUnion } from './tagged-union.ts'
import { DeprecatedFunction, DeprecatedFunctionCall, ResponseFormat, Tool, ToolChoice } from './tools.ts'

/** How an answer in sound is spoken. */
const AudioOutput = Type.Object({
  format: openEnum(['wav', 'aac', 'mp3', 'flac', 'opus', 'pcm16']),
  voice: Type.Union([
    openEnum(['alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', 'nova', 'onyx', 'sage', 'shimmer', 'verse', 'marin', 'cedar']),
    Type.Object({ id: Type.String() })
  ], { description: 'By its name, or one of the account\'s own by its id.' })
}, { title: 'AudioOutput', description: 'How it is spoken, where `modalities` ask for audio.' })

/** Open, as it is told apart by a type of which there is one so far. */
const Prediction = taggedUnion('type', {
  content: Type.Object({ type: Type.Literal('content'), content: Content }, { title: 'PredictedContent' })
}, { open: true, title: 'Prediction', description: 'What most of the answer is going to be, such as the file that is to be changed a little.' })

const Location = Type.Object({
  type: openEnum(['approximate']),
  approximate: Type.Object({
    city: Nullable(Type.String()),
    country: Nullable(Type.String({ description: 'ISO 3166-1, two letters.' })),
    region: Nullable(Type.String()),
    timezone: Nullable(Type.String({ description: 'IANA.' }))
  })
}, { title: 'Location' })

const WebSearchOptions = Type.Object({
  search_context_size: Nullable(openEnum(['low', 'medium', 'high'])),
  user_location: Nullable(Location)
}, { title: 'WebSearchOptions', description: 'For models that search the web.' })

const ModerationMode = Type.Object({ mode: openEnum(['score', 'block']) })

const Moderation = Type.Object({
  model: Type.String(),
  policy: Nullable(Type.Object({ input: Nullable(ModerationMode), output: Nullable(ModerationMode) }))
}, { title: 'Moderation', description: 'Has prompt and answer moderated.' })

const StreamOptions = Type.Object({
  include_usage: Nullable(Type.Boolean({ description: 'Whether a chunk with the token counts of the whole request comes last.' })),
  include_obfuscation: Nullable(Type.Boolean({ description: 'Whether chunks are padded, against eavesdroppers who look at lengths.' }))
}, { title: 'StreamOptions', description: 'For `stream: true`.' })

/**
 * The body of `POST /v1/chat/completions`.
 * Fields that are not named here pass through to targets that speak the format.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const ChatCompletionRequest = Type.Object({
  model: Nullable(Type.String({ maxLength: 256, description: 'A model alias, a target, or `target/model`; `auto` or none: the default.' })),
  messages: Type.Array(Message, { minItems: 1, description: 'The conversation so far.' }),
  stream: Nullable(Type.Boolean({ description: 'Whether the answer comes as Server-Sent Events, while it is produced.' })),
  stream_options: Nullable(StreamOptions),
  temperature: Nullable(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: Nullable(Type.Integer({ description: 'Extension: only the so many likeliest tokens are drawn from.' })),
  n: Nullable(Type.Integer({ minimum: 1, maximum: 128, description: 'How many answers.' })),
  stop: Nullable(Type.Union([Type.String(), Type.Array(Type.String())], { description: 'Where the answer ends; what is named here is not part of it.' })),
  max_completion_tokens: Nullable(Type.Integer({ minimum: 1, description: 'The most tokens to generate, reasoning included.' })),
  max_tokens: Nullable(Type.Integer({ minimum: 1, deprecated: true, description: 'Before `max_completion_tokens`; compatible servers may know this one only.' })),
  presence_penalty: Nullable(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Nullable(Type.Number({ minimum: -2, maximum: 2 })),
  seed: Nullable(Type.Integer({ description: 'The same seed and parameters give the same answer, as far as the provider can.' })),
  logprobs: Nullable(Type.Boolean({ description: 'Whether the log probabilities of the answer\'s tokens are returned.' })),
  top_logprobs: Nullable(Type.Integer({ minimum: 0, maximum: 20, description: 'How many alternatives at each token.' })),
  logit_bias: Nullable(Type.Record(Type.String(), Type.Number(), { description: 'From a token\'s number to what is added to its logit, -100 to 100.' })),
  tools: Nullable(Type.Array(Tool)),
  tool_choice: Nullable(ToolChoice),
  parallel_tool_calls: Nullable(Type.Boolean({ description: 'Whether the model may ask for several calls at once.' })),
  functions: Nullable(Type.Array(DeprecatedFunction, { deprecated: true, description: 'Before `tools`.' })),
  function_call: Nullable(DeprecatedFunctionCall),
  response_format: Nullable(ResponseFormat),
  reasoning_effort: Nullable(openEnum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
  verbosity: Nullable(openEnum(['low', 'medium', 'high'])),
  modalities: Nullable(Type.Array(openEnum(['text', 'audio']), { description: 'What the answer may be made of.' })),
  audio: Nullable(AudioOutput),
  prediction: Nullable(Prediction),
  web_search_options: Nullable(WebSearchOptions),
  moderation: Nullable(Moderation),
  service_tier: Nullable(openEnum(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])),
  prompt_cache_key: Nullable(Type.String({ description: 'Requests of one key find each other\'s cached prompts.' })),
  prompt_cache_options: Nullable(Type.Object({ mode: Nullable(openEnum(['implicit', 'explicit'])), ttl: Nullable(openEnum(['30m'])) })),
  prompt_cache_retention: Nullable(openEnum(['in_memory', '24h'])),
  safety_identifier: Nullable(Type.String({ description: 'Stands for the end user, so that abuse can be told apart.' })),
  user: Nullable(Type.String({ deprecated: true, description: 'Before `safety_identifier` and `prompt_cache_key`.' })),
  metadata: Nullable(Type.Record(Type.String(), Type.Unknown(), { description: 'OpenAI takes up to 16 strings.' })),
  store: Nullable(Type.Boolean({ description: 'Whether the provider keeps the answer.' }))
}, {
  $id: 'ChatCompletionRequest',
  description: 'An OpenAI Chat Completions request. Fields that are not named here pass through to targets that speak the format.'
})
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>
