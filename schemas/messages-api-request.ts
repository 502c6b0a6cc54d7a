import { Type } from 'typebox'
import type { Static, TSchema, TUnsafe } from 'typebox'
import { taggedUnion } from './tagged-union.ts'
import { JsonSchema } from './tools.ts'

/**
 * The body of `POST /v1/messages`, Anthropic's Messages API. Closed, as that API is: a field that is not named here is
 * refused by its name, and so are those that are here only so that `dialects/messages` can say why it refuses them.
 * @see https://platform.claude.com/docs/en/api/messages/create
 */

const CLOSED = { additionalProperties: false } as const
const Optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
/** What only the translator looks at, to refuse it or because nothing depends on it. */
const Unread = () => Type.Optional(Type.Unknown())

/** "Cache the prompt up to here." */
export const PromptCacheControl = Type.Object({
  type: Type.Literal('ephemeral'),
  ttl: Type.Optional(Type.Union([Type.Literal('5m'), Type.Literal('1h')]))
}, CLOSED)
const cacheControl = Optional(PromptCacheControl)

// ---- content

/** Text; in the assistant's turns with the citations that it came with. */
export const TextBlock = Type.Object({
  type: Type.Literal('text'),
  text: Type.String(),
  cache_control: cacheControl,
  citations: Unread()
}, CLOSED)
export type TextBlock = Static<typeof TextBlock>

/** Where an image comes from; a file of Anthropic's Files API exists only there. */
const ImageSource = taggedUnion('type', {
  base64: Type.Object({ type: Type.Literal('base64'), media_type: Type.String({ pattern: '^[\\w.+-]+/[\\w.+-]+$' }), data: Type.String({ minLength: 1 }) }, CLOSED),
  url: Type.Object({ type: Type.Literal('url'), url: Type.String({ minLength: 1 }) }, CLOSED),
  file: Type.Object({ type: Type.Literal('file'), file_id: Type.String() }, CLOSED)
})

export const ImageBlock = Type.Object({
  type: Type.Literal('image'),
  source: ImageSource,
  cache_control: cacheControl,
  transformations: Optional(Type.Object({ oversized_image: Type.Optional(Type.Union([Type.Literal('downsize'), Type.Literal('error')])) }, CLOSED))
}, CLOSED)
export type ImageBlock = Static<typeof ImageBlock>

const DocumentSource = taggedUnion('type', {
  base64: Type.Object({ type: Type.Literal('base64'), media_type: Type.Literal('application/pdf'), data: Type.String({ minLength: 1 }) }, CLOSED),
  text: Type.Object({ type: Type.Literal('text'), media_type: Type.Literal('text/plain'), data: Type.String() }, CLOSED),
  url: Type.Object({ type: Type.Literal('url'), url: Type.String() }, CLOSED),
  content: Type.Object({ type: Type.Literal('content'), content: Type.Unknown() }, CLOSED),
  file: Type.Object({ type: Type.Literal('file'), file_id: Type.String() }, CLOSED)
})

export const DocumentBlock = Type.Object({
  type: Type.Literal('document'),
  source: DocumentSource,
  title: Optional(Type.String()),
  context: Optional(Type.String()),
  citations: Optional(Type.Object({ enabled: Type.Optional(Type.Boolean()) }, CLOSED)),
  cache_control: cacheControl
}, CLOSED)
export type DocumentBlock = Static<typeof DocumentBlock>

/** What the model thought; `signature` proves it when it is sent back. */
export const ThinkingBlock = Type.Object({
  type: Type.Literal('thinking'),
  thinking: Type.String(),
  signature: Type.String()
}, CLOSED)
export type ThinkingBlock = Static<typeof ThinkingBlock>

export const RedactedThinkingBlock = Type.Object({ type: Type.Literal('redacted_thinking'), data: Type.String() }, CLOSED)
export type RedactedThinkingBlock = Static<typeof RedactedThinkingBlock>

/** `extra_content`: what this gateway put there for the target, Gemini's thought signature. */
export const ToolUseBlock = Type.Object({
  type: Type.Literal('tool_use'),
  id: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
  input: Type.Record(Type.String(), Type.Unknown()),
  cache_control: cacheControl,
  caller: Optional(Type.Object({ type: Type.String() })),
  toolset_name: Optional(Type.String()),
  extra_content: Unread()
}, CLOSED)
export type ToolUseBlock = Static<typeof ToolUseBlock>

/** Open: what is neither text nor image nor document is refused by the translator. */
const ToolResultPart = taggedUnion('type', { text: TextBlock, image: ImageBlock, document: DocumentBlock }, { open: true })

export const ToolResultBlock = Type.Object({
  type: Type.Literal('tool_result'),
  tool_use_id: Type.String({ minLength: 1 }),
  content: Optional(Type.Union([Type.String(), Type.Array(ToolResultPart)])),
  is_error: Optional(Type.Boolean()),
  cache_control: cacheControl,
  toolset_name: Optional(Type.String())
}, CLOSED)
export type ToolResultBlock = Static<typeof ToolResultBlock>

/** Open: blocks of Anthropic's own tools and services are refused by the translator. */
export const ContentBlock = taggedUnion('type', {
  text: TextBlock,
  image: ImageBlock,
  document: DocumentBlock,
  thinking: ThinkingBlock,
  redacted_thinking: RedactedThinkingBlock,
  tool_use: ToolUseBlock,
  tool_result: ToolResultBlock
}, { open: true, description: 'A block of content: text, image, document, thinking, a tool\'s use or its result.' })
export type ContentBlock = Static<typeof ContentBlock>

/** One turn, or the system's word in between, which the translator wants to be text. One schema for all: it is compiled at every start. */
export const InputMessage = Type.Object({
  role: Type.Enum(['user', 'assistant', 'system']),
  content: Type.Union([Type.String(), Type.Array(ContentBlock)])
}, CLOSED)
export type InputMessage = Static<typeof InputMessage>

// ---- tools

/** A tool that the caller runs. */
export const ClientTool = Type.Object({
  type: Optional(Type.Literal('custom')),
  name: Type.String({ minLength: 1 }),
  description: Optional(Type.String()),
  input_schema: JsonSchema,
  strict: Optional(Type.Boolean()),
  cache_control: cacheControl,
  eager_input_streaming: Optional(Type.Boolean()),
  defer_loading: Optional(Type.Boolean()),
  input_examples: Optional(Type.Array(Type.Unknown())),
  allowed_callers: Optional(Type.Array(Type.String()))
}, CLOSED)
export type ClientTool = Static<typeof ClientTool>

/** A tool that is Anthropic's, by its type: only its type is looked at. */
export const AnthropicTool = Type.Object({ type: Type.String() })

/** Which of the two it is, its type tells; so an error names the field of the one that was meant. */
export const MessagesTool: TUnsafe<ClientTool | Static<typeof AnthropicTool>> = Type.Unsafe({
  type: 'object',
  if: { properties: { type: { enum: ['custom', null] } } },
  then: ClientTool,
  else: AnthropicTool
})
export type MessagesTool = Static<typeof MessagesTool>

const parallel = { disable_parallel_tool_use: Optional(Type.Boolean()) }

export const MessagesToolChoice = taggedUnion('type', {
  auto: Type.Object({ type: Type.Literal('auto'), ...parallel }, CLOSED),
  any: Type.Object({ type: Type.Literal('any'), ...parallel }, CLOSED),
  tool: Type.Object({ type: Type.Literal('tool'), name: Type.String({ minLength: 1 }), ...parallel }, CLOSED),
  none: Type.Object({ type: Type.Literal('none') }, CLOSED)
})
export type MessagesToolChoice = Static<typeof MessagesToolChoice>

// ---- the rest

const display = { display: Optional(Type.String()), block_binding: Unread() }

export const ThinkingConfig = taggedUnion('type', {
  enabled: Type.Object({ type: Type.Literal('enabled'), budget_tokens: Type.Integer({ minimum: 1 }), ...display }, CLOSED),
  adaptive: Type.Object({ type: Type.Literal('adaptive'), ...display }, CLOSED),
  disabled: Type.Object({ type: Type.Literal('disabled') }, CLOSED),
  between_tools: Type.Object({ type: Type.Literal('between_tools') }, CLOSED)
})
export type ThinkingConfig = Static<typeof ThinkingConfig>

/** JSON by a schema. */
export const OutputFormat = Type.Object({ type: Type.Literal('json_schema'), schema: JsonSchema }, CLOSED)
export type OutputFormat = Static<typeof OutputFormat>

export const MessagesRequest = Type.Object({
  model: Type.String({ maxLength: 256, description: 'A model alias, a target, or `target/model`; `auto`: the default.' }),
  max_tokens: Type.Integer({ minimum: 1 }),
  messages: Type.Array(InputMessage, { minItems: 1 }),
  system: Optional(Type.Union([Type.String(), Type.Array(taggedUnion('type', { text: TextBlock }))])),
  stream: Optional(Type.Boolean()),
  temperature: Optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_p: Optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: Optional(Type.Integer({ minimum: 0 })),
  stop_sequences: Optional(Type.Array(Type.String())),
  tools: Optional(Type.Array(MessagesTool)),
  tool_choice: Optional(MessagesToolChoice),
  thinking: Optional(ThinkingConfig),
  output_config: Optional(Type.Object({ effort: Optional(Type.String()), format: Optional(OutputFormat), task_budget: Unread() }, CLOSED)),
  output_format: Optional(OutputFormat),
  metadata: Optional(Type.Object({ user_id: Optional(Type.String()) }, CLOSED)),
  cache_control: cacheControl,
  service_tier: Optional(Type.String()),
  speed: Optional(Type.String()),
  diagnostics: Unread(),
  container: Unread(),
  context_management: Unread(),
  mcp_servers: Unread(),
  inference_geo: Unread(),
  billing_policy: Unread(),
  compaction: Unread(),
  fallbacks: Unread(),
  fallback_credit_token: Unread(),
  thread: Unread()
}, { ...CLOSED, $id: 'MessagesRequest', description: 'A request of Anthropic\'s Messages API.' })
export type MessagesRequest = Static<typeof MessagesRequest>
