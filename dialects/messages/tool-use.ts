import { objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { ToolUseContent } from '../../schemas/messages-api-answer.ts'

/** What a call is, but for its arguments. */
export interface ToolUseHead {
  readonly id: string
  readonly name: string
  /** What the target wants back with the call. */
  readonly extra: unknown
}

/** The block of a call. */
export function toolUse ({ id, name, extra }: ToolUseHead, input: JsonObject): ToolUseContent {
  return { type: 'tool_use', id, name, input: { ...input }, caller: { type: 'direct' }, ...(extra == null ? {} : { extra_content: extra }) }
}

/** The id of a call that the target gave none: the message's, and the call's place. */
export function ownCallId (messageId: string, index: number): string {
  return `toolu_${messageId.replace(/^msg_/, '')}_${index}`
}

/**
 * Arguments as the input of a tool; none at all are an empty object. What is no JSON object, as a model may write it or a
 * limit cut it off, goes under the name that Anthropic proposes for sending such a thing back.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming#handling-invalid-json-in-tool-responses
 */
export function inputOf (text: string): JsonObject {
  return text.trim() === '' ? {} : objectOf(text) ?? { INVALID_JSON: text }
}
