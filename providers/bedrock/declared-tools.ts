import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { FunctionTool, Tool, ToolChoice } from '../../schemas/tools.ts'
import { invalid, unsupported } from './errors.ts'

/** A function that the model may call, and where the request says so. */
export interface DeclaredTool {
  readonly function: FunctionTool['function']
  /** What the caller's cache hint is on. */
  readonly hint: object
  /** The field that name, description and parameters are fields of. */
  readonly at: string
}

/** What the model is to do with them: call none, call as it likes, call at least one, or call this one. */
export type Choice = 'none' | 'auto' | 'required' | { readonly name: string }

export interface DeclaredTools {
  readonly tools: readonly DeclaredTool[]
  readonly choice: Choice
  /** The field that says the choice. */
  readonly choiceAt: 'tool_choice' | 'function_call'
  /** They came in the deprecated field `functions`: the answer has a `function_call` then, and no more than one. */
  readonly asFunctions: boolean
}

/** Whether a request has the deprecated `functions`, and so expects an answer of that time. */
export function hasFunctions ({ functions }: ChatCompletionRequest): boolean {
  return functions != null && functions.length > 0
}

/**
 * The tools of a request, and the choice among them, in both of the forms that the format has had.
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param`
 */
export function declaredTools (request: ChatCompletionRequest): DeclaredTools {
  const tools = (request.tools ?? []).map(declaredTool)
  if (hasFunctions(request) && tools.length > 0) throw invalid('functions', 'A request has either tools or functions.')
  return hasFunctions(request) ? declaredFunctions(request) : { ...chosen(tools, request.tool_choice ?? 'auto'), choiceAt: 'tool_choice', asFunctions: false }
}

function declaredTool (tool: Tool, index: number): DeclaredTool {
  if (tool.type !== 'function') throw unsupported(`tools[${index}].type`, 'tools other than functions')
  return { function: tool.function, hint: tool, at: `tools[${index}].function` }
}

/** `allowed_tools` leaves the others out: what the model does not know of, it cannot call. */
function chosen (tools: readonly DeclaredTool[], choice: ToolChoice): Pick<DeclaredTools, 'tools' | 'choice'> {
  if (typeof choice === 'string') return { tools, choice }
  if (choice.type === 'function') return { tools, choice: { name: knownName(tools, choice.function.name, 'tool_choice.function.name') } }
  // There may be types that nobody knows here: the schema lets them through to those that do.
  if (choice.type !== 'allowed_tools') throw unsupported('tool_choice', 'tool choices of other types than function and allowed_tools')
  const { mode, tools: allowed } = choice.allowed_tools
  const names = new Set(allowed.map(({ type, function: named }, index) => {
    const at = `tool_choice.allowed_tools.tools[${index}]`
    if (type !== 'function') throw unsupported(`${at}.type`, 'tools other than functions')
    return knownName(tools, isJsonObject(named) ? named['name'] : undefined, `${at}.function.name`)
  }))
  return { tools: tools.filter(tool => names.has(tool.function.name)), choice: modeOf(mode) }
}

function modeOf (mode: string): 'auto' | 'required' {
  if (mode === 'auto' || mode === 'required') return mode
  throw invalid('tool_choice.allowed_tools.mode', 'The mode of allowed_tools is "auto" or "required".')
}

/** @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-functions */
function declaredFunctions ({ functions, function_call: call }: ChatCompletionRequest): DeclaredTools {
  const tools = (functions ?? []).map((tool, index): DeclaredTool => ({ function: tool, hint: tool, at: `functions[${index}]` }))
  return { tools, choice: functionChoice(tools, call ?? 'auto'), choiceAt: 'function_call', asFunctions: true }
}

function functionChoice (tools: readonly DeclaredTool[], call: NonNullable<ChatCompletionRequest['function_call']>): Choice {
  return typeof call === 'string' ? call : { name: knownName(tools, call.name, 'function_call') }
}

function knownName (tools: readonly DeclaredTool[], name: unknown, param: string): string {
  const tool = tools.find(tool => tool.function.name === name)
  if (tool === undefined) throw invalid(param, 'No tool of this name is among the tools of the request.')
  return tool.function.name
}
