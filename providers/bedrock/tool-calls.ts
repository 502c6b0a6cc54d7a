import type { ContentBlock } from '@aws-sdk/client-bedrock-runtime'
import type { AssistantMessage, ToolCall } from '../../schemas/messages.ts'
import { isDocumentObject } from './document.ts'
import type { JsonDocument } from './document.ts'
import { invalid, unsupported } from './errors.ts'
import type { Model } from './model.ts'
import { ToolUseIds, refuseOddName } from './tool-use-ids.ts'

type FunctionCall = NonNullable<AssistantMessage['function_call']>

/** Where in the request a call stands. */
interface CallPlace {
  readonly at: string
  /** What its name and arguments are fields of. */
  readonly fields: string
  readonly functionName: string | undefined
}

/** A call whose result has not come yet. */
interface OpenCall {
  readonly toolUseId: string
  /** By which a deprecated `function` message names it; undefined for a call that has an id. */
  readonly functionName: string | undefined
  /** The call's field in the request. */
  readonly at: string
}

/**
 * The tool calls of a conversation, and which of them wait for their result. Converse wants the results of all calls of
 * a turn in the turn after it, and no others. So does OpenAI; what breaks it is refused here, by name.
 */
export class ToolCalls {
  readonly #ids: ToolUseIds
  readonly #open = new Map<string, OpenCall>()
  readonly #names = new Set<string>()

  constructor (model: Model) { this.#ids = new ToolUseIds(model) }

  /** Names of all tools that were called. */
  get names (): ReadonlySet<string> { return this.#names }

  /** @throws {UpstreamError} `unsupported` or `invalid_request` */
  call (call: ToolCall, at: string): ContentBlock.ToolUseMember {
    if (call.type !== 'function') throw unsupported(`${at}.type`, 'calls of custom tools')
    if (this.#open.has(call.id)) throw invalid(`${at}.id`, 'Another tool call of this turn has the same id.')
    return this.#toolUse(call.id, call.function, { at, fields: `${at}.function`, functionName: undefined })
  }

  /** The deprecated form of a call, which has no id: it gets one by its number. */
  functionCall (call: FunctionCall, at: string): ContentBlock.ToolUseMember {
    return this.#toolUse(`function_call_${this.#ids.count}`, call, { at, fields: at, functionName: call.name })
  }

  /** The Converse id of the call that a tool message answers. */
  answered (id: string, param: string): string {
    const call = this.#open.get(id)
    if (call === undefined || call.functionName !== undefined) throw invalid(param, 'No tool call with this id waits for a result.')
    this.#open.delete(id)
    return call.toolUseId
  }

  /** Likewise for a deprecated `function` message: the first call of that name. */
  answeredByName (name: string, param: string): string {
    for (const [id, { functionName, toolUseId }] of this.#open) {
      if (functionName !== name) continue
      this.#open.delete(id)
      return toolUseId
    }
    throw invalid(param, 'No function call with this name waits for a result.')
  }

  /** @throws {UpstreamError} `invalid_request`: a call of the turn before got no result */
  settle (): void {
    const [open] = this.#open.values()
    if (open !== undefined) throw invalid(open.at, 'A tool call has no result in the messages after it.')
  }

  #toolUse (id: string, { name, arguments: text }: FunctionCall, { at, fields, functionName }: CallPlace): ContentBlock.ToolUseMember {
    refuseOddName(name, `${fields}.name`)
    const input = argumentsOf(text, `${fields}.arguments`)
    const toolUseId = this.#ids.next(id)
    this.#open.set(functionName === undefined ? id : toolUseId, { toolUseId, functionName, at })
    this.#names.add(name)
    return { toolUse: { toolUseId, name, input } }
  }
}

/** @throws {UpstreamError} `invalid_request`: not a JSON object. An empty text stands for an empty object. */
function argumentsOf (text: string, param: string): JsonDocument {
  if (text.trim() === '') return {}
  const refusal = invalid(param, 'The arguments of a tool call are not a JSON object.')
  try {
    const input: unknown = JSON.parse(text)
    if (isDocumentObject(input)) return input
  } catch {
    throw refusal
  }
  throw refusal
}
