import { isJsonObject } from '../../schemas/json-object.ts'
import type { ResponsesCustomTool, ResponsesFunctionTool, ResponsesTextFormat, ResponsesTool, ResponsesToolChoice } from '../../schemas/responses-tools.ts'
import type { CustomTool, FunctionTool, JsonSchema, ResponseFormat, Tool, ToolChoice } from '../../schemas/tools.ts'
import { unsupported } from './unsupported.ts'

const HOSTED = 'the gateway runs no tools; only function and custom tools, which the caller runs, are translated'

/** A tool in the core's form. @param path for errors */
export function toolOf (tool: ResponsesTool, path: string): Tool {
  switch (tool.type) {
    case 'function':
      refuseDeferred(tool, path)
      if (tool.output_schema != null) throw unsupported(`${path}.output_schema`, 'it has no counterpart')
      return functionOf(tool)
    case 'custom':
      refuseDeferred(tool, path)
      return customOf(tool)
    default: throw unsupported(`${path}.type`, HOSTED)
  }
}

/** What only means something where the API itself keeps and runs things. */
function refuseDeferred ({ allowed_callers: callers, async, defer_loading: deferred }: ResponsesFunctionTool | ResponsesCustomTool, path: string): void {
  if (callers?.some(caller => caller !== 'direct') === true) throw unsupported(`${path}.allowed_callers`, 'tools are called by the model directly')
  if (async === true) throw unsupported(`${path}.async`, 'it has no counterpart')
  if (deferred === true) throw unsupported(`${path}.defer_loading`, 'there is no tool search')
}

function functionOf (tool: ResponsesFunctionTool): FunctionTool {
  const { name, description, parameters } = tool
  return {
    type: 'function',
    function: {
      name,
      ...(description == null ? {} : { description }),
      ...(parameters == null ? {} : { parameters }),
      ...(isStrict(tool) ? { strict: true } : {})
    }
  }
}

/**
 * Whether a function's arguments must follow its schema to the letter. Where the caller leaves it open, OpenAI makes the
 * schema fit for it, so that optional fields become mandatory, and chat completions are not strict; here it is strict
 * where the schema is fit as it stands.
 * @see https://platform.openai.com/docs/guides/function-calling#strict-mode
 */
export function isStrict ({ parameters, strict }: ResponsesFunctionTool): boolean {
  return strict ?? (parameters != null && isFit(parameters))
}

/** Every object in it closed, with all of its properties required. A body's depth is bounded before. */
function isFit (schema: unknown): boolean {
  if (!isJsonObject(schema)) return true
  const { type, properties, required, additionalProperties: additional } = schema
  if (type === 'object' || properties !== undefined) {
    const names = isJsonObject(properties) ? Object.keys(properties) : []
    if (additional !== false || !Array.isArray(required) || !names.every(name => required.includes(name))) return false
  }
  return subschemasOf(schema).every(isFit)
}

function subschemasOf (schema: JsonSchema): unknown[] {
  const named = ['properties', '$defs', 'definitions'].flatMap(key => isJsonObject(schema[key]) ? Object.values(schema[key]) : [])
  const listed = ['anyOf', 'oneOf', 'allOf', 'prefixItems'].flatMap<unknown>(key => Array.isArray(schema[key]) ? schema[key] : [])
  return [...named, ...listed, schema['items']]
}

function customOf ({ name, description, format }: ResponsesCustomTool): CustomTool {
  const custom = {
    name,
    ...(description == null ? {} : { description }),
    ...(format == null ? {} : { format: format.type === 'text' ? format : { type: format.type, grammar: { syntax: format.syntax, definition: format.definition } } })
  }
  return { type: 'custom', custom }
}

/** @throws {GatewayError} 400: it names a tool that the caller does not run */
export function toolChoiceOf (choice: ResponsesToolChoice): ToolChoice {
  if (typeof choice === 'string') return choice
  switch (choice.type) {
    case 'function':
    case 'custom': return nested(choice)
    case 'allowed_tools': {
      const tools = choice.tools.map((tool, i) => {
        if (tool.type !== 'function' && tool.type !== 'custom') throw unsupported(`tool_choice.tools[${i}].type`, HOSTED)
        return nested(tool)
      })
      return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools } }
    }
    default: throw unsupported('tool_choice.type', HOSTED)
  }
}

function nested ({ type, name }: { type: 'function' | 'custom', name: string }): Exclude<ToolChoice, string | { type: 'allowed_tools' }> {
  return type === 'function' ? { type, function: { name } } : { type, custom: { name } }
}

export function responseFormatOf (format: ResponsesTextFormat): ResponseFormat {
  if (format.type !== 'json_schema') return format
  const { type, name, schema, description, strict } = format
  return { type, json_schema: { name, schema, ...(description == null ? {} : { description }), ...(strict == null ? {} : { strict }) } }
}
