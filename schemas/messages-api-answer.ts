import { Type } from 'typebox'
import type { Static } from 'typebox'
import { FailedAttempt } from './error.ts'

/**
 * Answers of `POST /v1/messages`: the whole message, the events of a stream, and errors. What the core has no word for
 * (containers, diagnostics, server tools, tiers) is always `null`.
 * @see https://platform.claude.com/docs/en/api/messages/create
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */

const Null = Type.Null()
const OrNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

// ---- citations

const ofDocument = { cited_text: Type.String(), document_index: Type.Integer(), document_title: OrNull(Type.String()) }

export const TextCitation = Type.Union([
  Type.Object({ type: Type.Literal('char_location'), ...ofDocument, start_char_index: Type.Integer(), end_char_index: Type.Integer(), file_id: Null }),
  Type.Object({ type: Type.Literal('page_location'), ...ofDocument, start_page_number: Type.Integer(), end_page_number: Type.Integer(), file_id: Null }),
  Type.Object({ type: Type.Literal('content_block_location'), ...ofDocument, start_block_index: Type.Integer(), end_block_index: Type.Integer(), file_id: Null }),
  Type.Object({ type: Type.Literal('web_search_result_location'), url: Type.String(), title: OrNull(Type.String()), cited_text: Type.String(), encrypted_index: Type.String() })
])
export type TextCitation = Static<typeof TextCitation>

// ---- content

export const TextContent = Type.Object({ type: Type.Literal('text'), text: Type.String(), citations: OrNull(Type.Array(TextCitation)) })
export const ThinkingContent = Type.Object({ type: Type.Literal('thinking'), thinking: Type.String(), signature: Type.String() })
export const RedactedThinkingContent = Type.Object({ type: Type.Literal('redacted_thinking'), data: Type.String() })
export const ToolUseContent = Type.Object({
  type: Type.Literal('tool_use'),
  id: Type.String(),
  name: Type.String(),
  input: Type.Record(Type.String(), Type.Unknown()),
  caller: Type.Object({ type: Type.Literal('direct') }),
  extra_content: Type.Optional(Type.Unknown({ description: 'What the target wants back with the call, as Gemini does.' }))
})
export type ToolUseContent = Static<typeof ToolUseContent>

export const AnswerBlock = Type.Union([TextContent, ThinkingContent, RedactedThinkingContent, ToolUseContent])
export type AnswerBlock = Static<typeof AnswerBlock>

// ---- the message

/** Why it ended. */
export const StopReason = Type.Union([
  Type.Literal('end_turn'),
  Type.Literal('max_tokens'),
  Type.Literal('stop_sequence'),
  Type.Literal('tool_use'),
  Type.Literal('refusal')
])
export type StopReason = Static<typeof StopReason>

/** Counts that a stream learns at its end. `input_tokens` is what was neither read from nor written to a cache. */
const counts = {
  input_tokens: Type.Integer(),
  cache_creation_input_tokens: Type.Integer(),
  cache_read_input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  output_tokens_details: OrNull(Type.Object({ thinking_tokens: Type.Integer() })),
  server_tool_use: Null
}
export const StreamedUsage = Type.Object(counts)
export type StreamedUsage = Static<typeof StreamedUsage>

export const MessageUsage = Type.Object({ ...counts, cache_creation: Null, inference_geo: Null, service_tier: Null, speed: Null })
export type MessageUsage = Static<typeof MessageUsage>

export const AnswerMessage = Type.Object({
  id: Type.String(),
  type: Type.Literal('message'),
  role: Type.Literal('assistant'),
  model: Type.String(),
  content: Type.Array(AnswerBlock),
  stop_reason: OrNull(StopReason),
  stop_sequence: OrNull(Type.String()),
  stop_details: Null,
  container: Null,
  diagnostics: Null,
  usage: MessageUsage
}, { $id: 'MessagesAnswer', description: 'An answer of Anthropic\'s Messages API.' })
export type AnswerMessage = Static<typeof AnswerMessage>

// ---- the stream

export const BlockDelta = Type.Union([
  Type.Object({ type: Type.Literal('text_delta'), text: Type.String() }),
  Type.Object({ type: Type.Literal('citations_delta'), citation: TextCitation }),
  Type.Object({ type: Type.Literal('thinking_delta'), thinking: Type.String() }),
  Type.Object({ type: Type.Literal('signature_delta'), signature: Type.String() }),
  Type.Object({ type: Type.Literal('input_json_delta'), partial_json: Type.String() })
])
export type BlockDelta = Static<typeof BlockDelta>

export const MessageEvent = Type.Union([
  Type.Object({ type: Type.Literal('message_start'), message: AnswerMessage }),
  Type.Object({ type: Type.Literal('content_block_start'), index: Type.Integer(), content_block: AnswerBlock }),
  Type.Object({ type: Type.Literal('content_block_delta'), index: Type.Integer(), delta: BlockDelta }),
  Type.Object({ type: Type.Literal('content_block_stop'), index: Type.Integer() }),
  Type.Object({
    type: Type.Literal('message_delta'),
    delta: Type.Object({ stop_reason: StopReason, stop_sequence: OrNull(Type.String()), stop_details: Null, container: Null }),
    usage: StreamedUsage
  }),
  Type.Object({ type: Type.Literal('message_stop') })
])
export type MessageEvent = Static<typeof MessageEvent>

// ---- errors

/** Anthropic's error types. */
export const MessagesErrorType = Type.Union([
  Type.Literal('invalid_request_error'),
  Type.Literal('authentication_error'),
  Type.Literal('billing_error'),
  Type.Literal('permission_error'),
  Type.Literal('not_found_error'),
  Type.Literal('request_too_large'),
  Type.Literal('rate_limit_error'),
  Type.Literal('timeout_error'),
  Type.Literal('api_error'),
  Type.Literal('overloaded_error')
])
export type MessagesErrorType = Static<typeof MessagesErrorType>

/**
 * An error, as a response body and as the last event of a broken stream. `details` holds what the gateway says beyond
 * Anthropic's fields; its `error_code` is what Anthropic's SDK gives as `errorCode`.
 * @see https://platform.claude.com/docs/en/api/errors
 */
export const MessagesErrorBody = Type.Object({
  type: Type.Literal('error'),
  error: Type.Object({
    type: MessagesErrorType,
    message: Type.String(),
    details: Type.Object({
      error_code: OrNull(Type.String()),
      param: OrNull(Type.String()),
      attempts: Type.Optional(Type.Array(FailedAttempt))
    })
  }),
  request_id: OrNull(Type.String())
}, { $id: 'MessagesError' })
export type MessagesErrorBody = Static<typeof MessagesErrorBody>
