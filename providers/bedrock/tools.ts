import type { Tool as ConverseTool, ToolConfiguration, ToolInputSchema } from '@aws-sdk/client-bedrock-runtime'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { JsonSchema } from '../../schemas/tools.ts'
import { withToolCachePoint } from './cache-points.ts'
import type { CachePoint, CacheRules } from './cache-points.ts'
import { declaredTools } from './declared-tools.ts'
import type { Choice, DeclaredTool, DeclaredTools } from './declared-tools.ts'
import { isDocumentObject } from './document.ts'
import { invalid, unsupported } from './errors.ts'
import { anthropicSchema } from './json-schema.ts'
import type { Model } from './model.ts'
import { refuseOddName } from './tool-use-ids.ts'

/** Tools of a chat request, in Converse's terms. */
export interface ToolSettings {
  readonly toolConfig?: Pick<ToolConfiguration, 'toolChoice'> & { readonly tools: (ConverseTool | CachePoint)[] }
  /** Fields for the model itself, beside Converse's own. */
  readonly modelFields?: { readonly tool_choice: AnthropicToolChoice }
}

/** @see https://docs.claude.com/en/docs/agents-and-tools/tool-use/implement-tool-use#controlling-claudes-output */
type AnthropicToolChoice =
  | { readonly type: 'none' }
  | { readonly type: 'auto' | 'any', readonly disable_parallel_tool_use: true }
  | { readonly type: 'tool', readonly name: string, readonly disable_parallel_tool_use: true }

/** What else of the request decides. */
interface ToolContext {
  readonly model: Model
  readonly cacheRules: CacheRules
  /** Names of the tools that were called earlier in the conversation. */
  readonly calledTools: ReadonlySet<string>
  readonly thinks: boolean
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
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param`
 */
export function toolSettings (request: ChatCompletionRequest, context: ToolContext): ToolSettings {
  const { model, calledTools, thinks } = context
  const declared = declaredTools(request)
  const { tools, choice, choiceAt } = declared
  if (request.response_format?.type === 'json_object') {
    // With other tools the model could not be made to call this one; and Anthropic's do not think when made to call one.
    if (calledTools.size > 0 || tools.length > 0) throw unsupported('response_format', 'json_object together with tools')
    if (thinks) throw unsupported('response_format', 'json_object together with reasoning')
    return JSON_ANSWER_SETTINGS
  }
  if (tools.length === 0 && choice !== 'none' && choice !== 'auto') throw invalid(choiceAt, 'A tool is to be called, but the request has no tools.')
  if (tools.length === 0 || choice === 'none') return calledTools.size === 0 ? {} : withoutCalls(declared, context)
  if (thinks && model.vendor === 'anthropic' && choice !== 'auto') throw unsupported(choiceAt, 'a call that must be made by a model that thinks')
  const specs = specsOf(tools, context)
  const single = declared.asFunctions || request.parallel_tool_calls === false
  // Anthropic's own field says it all. Converse would refuse it beside a toolChoice of its own.
  if (single && model.vendor === 'anthropic') return { toolConfig: { tools: specs }, modelFields: { tool_choice: singleCall(choice) } }
  if (request.parallel_tool_calls === false) throw unsupported('parallel_tool_calls', 'false, save for Anthropic\'s models')
  const toolChoice = toolChoiceOf(choice)
  return { toolConfig: { tools: specs, ...(toolChoice === undefined ? {} : { toolChoice }) } }
}

/**
 * No tool may be called, but some were before, and Converse then demands declarations. Anthropic's models can be told
 * not to call what is declared; tools that are not declared any more get a declaration without content.
 */
function withoutCalls ({ tools, choiceAt }: DeclaredTools, context: ToolContext): ToolSettings {
  if (context.model.vendor !== 'anthropic') {
    throw tools.length > 0
      ? unsupported(choiceAt, '"none" after tools were called, for this model')
      : unsupported('tools', 'earlier tool calls without the declarations of the tools, for this model')
  }
  const known = new Set(tools.map(tool => tool.function.name))
  const missing = [...context.calledTools].filter(name => !known.has(name)).map(name => ({ toolSpec: { name, inputSchema: inputSchema({}) } }))
  return { toolConfig: { tools: [...specsOf(tools, context), ...missing] }, modelFields: { tool_choice: { type: 'none' } } }
}

function specsOf (tools: readonly DeclaredTool[], { model, cacheRules }: ToolContext): (ConverseTool | CachePoint)[] {
  return tools.flatMap(tool => withToolCachePoint<ConverseTool>({ toolSpec: toolSpec(tool, model) }, tool.hint, cacheRules))
}

function toolSpec ({ function: { name, description, parameters, strict }, at }: DeclaredTool, { vendor }: Model): ConverseTool.ToolSpecMember['toolSpec'] {
  refuseOddName(name, `${at}.name`)
  if (name === JSON_ANSWER) throw unsupported(`${at}.name`, 'a tool of this name, which the gateway has taken')
  const schema = objectSchema(parameters ?? {})
  if (schema['type'] !== 'object') throw unsupported(`${at}.parameters.type`, 'parameters that are no object')
  const taken = strict === true && vendor === 'anthropic' ? anthropicSchema(schema, `${at}.parameters`) : schema
  return {
    name,
    // An empty one is refused.
    ...(description ? { description } : {}),
    inputSchema: inputSchema(taken),
    ...(strict === true ? { strict } : {})
  }
}

/** Converse wants the schema of an object, and says so of an empty schema too. */
function objectSchema (parameters: JsonSchema): JsonSchema {
  return 'type' in parameters ? parameters : { type: 'object', properties: {}, ...parameters }
}

function inputSchema (parameters: JsonSchema): ToolInputSchema {
  const schema = objectSchema(parameters)
  return { json: isDocumentObject(schema) ? schema : {} }
}

/** Undefined for `auto`, which is Converse's default, and which not every model lets itself be told. */
function toolChoiceOf (choice: Exclude<Choice, 'none'>): ToolConfiguration['toolChoice'] {
  if (choice === 'auto') return undefined
  return choice === 'required' ? { any: {} } : { tool: { name: choice.name } }
}

function singleCall (choice: Exclude<Choice, 'none'>): AnthropicToolChoice {
  if (typeof choice === 'object') return { type: 'tool', name: choice.name, disable_parallel_tool_use: true }
  return { type: choice === 'auto' ? 'auto' : 'any', disable_parallel_tool_use: true }
}
