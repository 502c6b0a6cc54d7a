import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { Tool as CallerTool, FunctionTool, ToolChoice } from '../../schemas/tools.ts'
import { geminiSchema } from './json-schema.ts'
import { unsupported } from './unsupported.ts'
import { generationOf } from './wire.ts'
import type { CallingConfig, Declaration, GeminiRequest, Tool } from './wire.ts'

/** @see https://ai.google.dev/api/caching#FunctionDeclaration */
const NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/
/** Calls are held to their schema, where that is asked for, since this version. */
const VALIDATED_SINCE = 2.5
/** Searches go together with functions since this version. */
const SEARCH_BESIDE_FUNCTIONS_SINCE = 3

/** A function, and where it stands in the request. */
interface Declared {
  readonly tool: FunctionTool['function']
  readonly path: string
}

/**
 * Tools and the choice among them; the deprecated `functions` and `function_call` too.
 * @throws {UpstreamError} `unsupported` or `invalid_request`
 */
export function toolsOf (request: ChatCompletionRequest, model: string): Pick<GeminiRequest, 'tools' | 'toolConfig'> {
  const functions = declaredIn(request)
  const names = new Set<string>()
  for (const { tool: { name }, path } of functions) {
    if (!NAME.test(name)) throw unsupported(`${path}.name`, 'a name has up to 128 letters, digits, and _ . : -, and begins with a letter or _')
    if (names.has(name)) throw unsupported(`${path}.name`, 'another function has this name')
    names.add(name)
  }
  const config = callingConfig(request, names)
  const held = functions.some(({ tool: { strict } }) => strict === true) && (generationOf(model) ?? VALIDATED_SINCE) >= VALIDATED_SINCE
  if (config.mode === 'AUTO' && held) config.mode = 'VALIDATED'
  const search = searchIn(request, functions.length > 0, model)
  const tools: Tool[] = [
    ...(functions.length === 0 ? [] : [{ functionDeclarations: functions.map(declarationOf) }]),
    ...(search === undefined ? [] : [search])
  ]
  const chosen = request.tool_choice != null || request.function_call != null || config.mode !== 'AUTO'
  return {
    ...(tools.length === 0 ? {} : { tools }),
    ...(chosen && functions.length > 0 ? { toolConfig: { functionCallingConfig: config } } : {})
  }
}

/** Whether the caller wants calls in the deprecated form. */
export function wantsFunctionCall ({ functions }: ChatCompletionRequest): boolean {
  return functions != null && functions.length > 0
}

// ---- functions

function declaredIn (request: ChatCompletionRequest): Declared[] {
  if (wantsFunctionCall(request) && (request.tools ?? []).length > 0) throw unsupported('functions', 'send all functions as tools')
  return [
    ...(request.tools ?? []).map(declaredTool),
    ...(request.functions ?? []).map((tool, i) => ({ tool, path: `functions[${i}]` }))
  ]
}

function declaredTool (tool: CallerTool, i: number): Declared {
  if (tool.type !== 'function') throw unsupported(`tools[${i}].type`, 'only functions are translated')
  return { tool: tool.function, path: `tools[${i}].function` }
}

function declarationOf ({ tool: { name, description, parameters, strict }, path }: Declared): Declaration {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters == null ? {} : { parametersJsonSchema: geminiSchema(parameters, `${path}.parameters`, { strict: strict === true, answer: false }) })
  }
}

// ---- the choice

function callingConfig (request: ChatCompletionRequest, names: ReadonlySet<string>): CallingConfig {
  const { tool_choice: choice, function_call: old } = request
  const config = choice != null ? configOf(choice, names) : old != null ? deprecatedConfig(old, names) : { mode: 'AUTO' as const }
  if (config.mode === 'ANY' && names.size === 0) {
    throw new UpstreamError('invalid_request', 'tool_choice asks for a call, but there are no tools.', { param: choice != null ? 'tool_choice' : 'function_call' })
  }
  return config
}

function configOf (choice: ToolChoice, names: ReadonlySet<string>): CallingConfig {
  if (choice === 'none') return { mode: 'NONE' }
  if (choice === 'auto') return { mode: 'AUTO' }
  if (choice === 'required') return { mode: 'ANY' }
  if (choice.type === 'function') return { mode: 'ANY', allowedFunctionNames: [known(choice.function.name, names, 'tool_choice')] }
  // There may be types that nobody knows here: the schema lets them through to those that do.
  if (choice.type !== 'allowed_tools') throw unsupported('tool_choice', 'it chooses among functions only')
  const { mode, tools } = choice.allowed_tools
  if (mode !== 'auto' && mode !== 'required') throw invalid('tool_choice.allowed_tools.mode', 'is neither auto nor required')
  const allowedFunctionNames = tools.map((tool, i) => {
    const path = `tool_choice.allowed_tools.tools[${i}]`
    const named = tool['function']
    const name = isJsonObject(named) ? named['name'] : undefined
    if (tool['type'] !== 'function' || typeof name !== 'string') throw unsupported(path, 'it knows functions only')
    return known(name, names, path)
  })
  // Without any it would be free to call all.
  if (allowedFunctionNames.length === 0) throw invalid('tool_choice.allowed_tools.tools', 'is an empty list')
  return { mode: mode === 'auto' ? 'VALIDATED' : 'ANY', allowedFunctionNames }
}

function deprecatedConfig (choice: NonNullable<ChatCompletionRequest['function_call']>, names: ReadonlySet<string>): CallingConfig {
  if (choice === 'none') return { mode: 'NONE' }
  if (choice === 'auto') return { mode: 'AUTO' }
  return { mode: 'ANY', allowedFunctionNames: [known(choice.name, names, 'function_call')] }
}

function known (name: string, names: ReadonlySet<string>, path: string): string {
  if (!names.has(name)) throw invalid(path, 'names a function that is not there')
  return name
}

// ---- searches

/** `web_search_options`: what the model found, it cites in `annotations`. @see https://ai.google.dev/gemini-api/docs/google-search */
function searchIn ({ web_search_options: options }: ChatCompletionRequest, besideFunctions: boolean, model: string): Tool | undefined {
  if (options == null) return undefined
  // `search_context_size` is a hint about cost.
  if (options.user_location != null) throw unsupported('web_search_options.user_location', 'its searches take no place')
  const generation = generationOf(model)
  if (generation !== undefined && generation < 2) throw unsupported('web_search_options', 'this model does not search')
  if (besideFunctions && generation !== undefined && generation < SEARCH_BESIDE_FUNCTIONS_SINCE) {
    throw unsupported('web_search_options', 'this model does not search where it has functions')
  }
  return { googleSearch: {} }
}

function invalid (param: string, what: string): UpstreamError {
  return new UpstreamError('invalid_request', `${param} ${what}.`, { param })
}
