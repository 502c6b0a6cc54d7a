import type { ContentBlock, SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import { cacheControlOf, isToolError, withCacheControl } from '../../schemas/carried.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { AssistantMessage, Content, FunctionMessage, Message, ToolMessage } from '../../schemas/messages.ts'
import { withCachePoint } from './cache-points.ts'
import type { CachePoint } from './cache-points.ts'
import { ContentScope, onlyText, resultBlocks, systemBlocks, textBlocks, userBlocks } from './content.ts'
import { unsupported } from './errors.ts'
import { refusesPrefill } from './model.ts'
import type { Model } from './model.ts'
import { reasoningBlocks } from './reasoning-details.ts'
import { ToolCalls } from './tool-calls.ts'
import { Turns } from './turns.ts'
import type { Turn } from './turns.ts'

/** The result of a tool that answered with nothing; Converse refuses a blank one. */
export const NO_OUTPUT = '(no output)'

export interface Conversation {
  readonly system: (SystemContentBlock | CachePoint)[]
  readonly messages: Turn[]
  /** Names of the tools that were called in it: Converse then demands declarations of tools. */
  readonly calledTools: ReadonlySet<string>
}

/**
 * The messages of a chat request as Converse's: messages of one side are joined, blank text is left out, and a message
 * without anything is left out as a whole.
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param`
 */
export function conversationOf (history: readonly Message[], model: Model): Conversation {
  const scope = new ContentScope(model)
  const calls = new ToolCalls(model)
  const turns = new Turns()
  const system: Conversation['system'] = []
  let last: Message | undefined

  for (const [index, message] of history.entries()) {
    const at = `messages[${index}]`
    const whole = <B extends object>(blocks: readonly B[]): (B | CachePoint)[] => withCachePoint(blocks, message, scope.cacheRules)
    if (message.role === 'system' || message.role === 'developer') {
      system.push(...whole(systemBlocks(message.content, scope, at)))
      continue
    }
    last = message
    switch (message.role) {
      case 'user':
        turns.add('user', whole(userBlocks(message.content, scope, at)))
        break
      case 'assistant':
        if (turns.role === 'user') calls.settle()
        turns.add('assistant', whole(assistantBlocks(message, { scope, calls, at })))
        break
      case 'tool':
      case 'function':
        turns.add('user', whole(toolResult(message, { scope, calls, at })))
        break
    }
  }
  calls.settle()
  const messages = turns.finished(last !== undefined && last.role !== 'assistant')
  if (messages.at(-1)?.role === 'assistant' && refusesPrefill(model)) {
    throw unsupported(`messages[${history.length - 1}].role`, 'for this model a conversation that ends with the assistant')
  }
  return { system, messages, calledTools: calls.names }
}

/** What the translation of one message needs. */
interface MessagePlace {
  readonly scope: ContentScope
  readonly calls: ToolCalls
  readonly at: string
}

/** What an answer of another provider may have held, and the assistant's turns of Converse cannot. */
const NOT_SAID = ['images', 'audio'] as const

/** Reasoning goes first: models that sign it demand it there. */
function assistantBlocks (message: AssistantMessage, { scope, calls, at }: MessagePlace): ContentBlock[] {
  const fields: JsonObject = { ...message }
  const unsaid = NOT_SAID.find(field => fields[field] != null && !isEmptyList(fields[field]))
  if (unsaid !== undefined) throw unsupported(`${at}.${unsaid}`, `${unsaid} of the assistant`)
  const toolUses = (message.tool_calls ?? []).flatMap((call, index): ContentBlock[] =>
    withCachePoint([calls.call(call, `${at}.tool_calls[${index}]`)], call, scope.cacheRules))
  return [
    ...reasoningBlocks(fields, scope.model),
    ...onlyText(message.content ?? '', scope, at),
    ...textBlocks(message.refusal ?? ''),
    ...toolUses,
    ...(message.function_call == null ? [] : [calls.functionCall(message.function_call, `${at}.function_call`)])
  ]
}

function isEmptyList (value: unknown): boolean { return Array.isArray(value) && value.length === 0 }

function toolResult (message: ToolMessage | FunctionMessage, { scope, calls, at }: MessagePlace): ContentBlock[] {
  const content: Content = message.content ?? ''
  const toolUseId = message.role === 'tool' ? calls.answered(message.tool_call_id, `${at}.tool_call_id`) : calls.answeredByName(message.name, `${at}.name`)
  const blocks = resultBlocks(content, scope, at)
  const result: ContentBlock.ToolResultMember = {
    toolResult: { toolUseId, content: blocks.length > 0 ? blocks : [{ text: NO_OUTPUT }], ...(isToolError(message) ? { status: 'error' } : {}) }
  }
  const control = typeof content === 'string' ? undefined : content.map(cacheControlOf).findLast(hint => hint !== undefined)
  return control === undefined ? [result] : withCachePoint([result], withCacheControl({}, control), scope.cacheRules)
}
