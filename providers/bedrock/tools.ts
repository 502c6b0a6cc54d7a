import type { Tool as ConverseTool, ToolChoice as ConverseToolChoice, ToolConfiguration, ToolInputSchema } from '@aws-sdk/client-bedrock-runtime'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { JsonSchema, Tool, ToolChoice } from '../../schemas/tools.ts'
import { isDocumentObject } from './document.ts'
import { unsupported } from './errors.ts'

/** Tools of a chat request, in Converse's terms. */
export interface ToolSettings {
  readonly toolConfig?: ToolConfiguration
  /** Fields for the model itself, beside Converse's own. */
  readonly modelFields?: { readonly tool_choice: { readonly type: 'auto', readonly disable_parallel_tool_use: true } }
}

/**
 * Converse has no mode for "any JSON object", so the model is made to call a tool of this name, whose arguments are the
 * answer. Neither the tool nor the call is seen by the caller.
 */
export const JSON_ANSWER = 'gateway_json_answer'

const JSON_ANSWER_SETTINGS: ToolSettings = {
  toolConfig: {
    tools: [{ toolSpec: { name: JSON_ANSWER, description: 'Takes the answer to the user, as a JSON object.', inputSchema: { json: { type: 'object' } } } }],
    toolChoice: { tool: { name: JSON_ANSWER } }
  }
}

/**
 * Declarations and choice of tools.
 *
 * Converse cannot forbid the use of declared tools, so `none` leaves their declarations out. It refuses that where tools
 * were called earlier in the conversation.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param`
 */
export function toolSettings (
  { tools, tool_choice: choice, parallel_tool_calls: parallel, response_format: format, reasoning_effort: effort }: ChatCompletionRequest,
  { anthropic, usedBefore }: { readonly anthropic: boolean, readonly usedBefore: boolean }
): ToolSettings {
  if (format?.type === 'json_object') {
    // With other tools the model could not be made to call this one; and Anthropic's do not think when made to call one.
    if (usedBefore || (tools ?? []).length > 0) throw unsupported('response_format', 'json_object together with tools')
    if (effort != null && effort !== 'none') throw unsupported('response_format', 'json_object together with reasoning_effort')
    return JSON_ANSWER_SETTINGS
  }
  const declared = (tools ?? []).map((tool, index) => ({ toolSpec: toolSpec(tool, `tools[${index}]`) }))
  if (declared.length === 0 && choice != null && choice !== 'none' && choice !== 'auto') {
    throw new UpstreamError('invalid_request', 'tool_choice asks for a tool call, but the request has no tools.', { status: 400, param: 'tool_choice' })
  }
  if (declared.length === 0 || choice === 'none') {
    if (!usedBefore) return {}
    throw choice === 'none'
      ? unsupported('tool_choice', '"none" after tools were called')
      : unsupported('tools', 'earlier tool calls without the declarations of the tools')
  }
  const toolChoice = toolChoiceOf(choice ?? 'auto')
  const toolConfig: ToolConfiguration = { tools: declared, ...(toolChoice === undefined ? {} : { toolChoice }) }
  if (parallel !== false) return { toolConfig }
  // Anthropic's own field does it, but Converse refuses the field beside a toolChoice of its own.
  if (!anthropic || toolChoice !== undefined) throw unsupported('parallel_tool_calls', 'false, save for Anthropic\'s models with the tool choice "auto"')
  return { toolConfig, modelFields: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } } }
}

function toolSpec (tool: Tool, at: string): ConverseTool.ToolSpecMember['toolSpec'] {
  if (tool.type !== 'function') throw unsupported(`${at}.type`, 'tools other than functions')
  const { name, description, parameters, strict } = tool.function
  return {
    name,
    // An empty one is refused.
    ...(description ? { description } : {}),
    inputSchema: inputSchema(parameters ?? {}),
    ...(strict === true ? { strict } : {})
  }
}

/** Converse wants the schema of an object, and says so of an empty schema too. */
function inputSchema (parameters: JsonSchema): ToolInputSchema {
  const schema = 'type' in parameters ? parameters : { type: 'object', properties: {}, ...parameters }
  return { json: isDocumentObject(schema) ? schema : {} }
}

/** Undefined for `auto`, which is Converse's default, and which not every model lets itself be told. */
function toolChoiceOf (choice: ToolChoice): ConverseToolChoice | undefined {
  if (choice === 'auto' || choice === 'none') return undefined
  if (choice === 'required') return { any: {} }
  if (choice.type === 'function') return { tool: { name: choice.function.name } }
  throw unsupported('tool_choice', `tool choices of the type ${choice.type}`)
}
