import { Type } from 'typebox'
import type { Static } from 'typebox'
import { cacheControl } from './cache-control.ts'
import { Nullable } from './nullable.ts'
import { openEnum } from './open-enum.ts'
import { taggedUnion } from './tagged-union.ts'

/** A JSON Schema, not looked into by the gateway. */
export const JsonSchema = Type.Record(Type.String(), Type.Unknown(), { description: 'A JSON Schema.' })
export type JsonSchema = Static<typeof JsonSchema>

const toolName = Type.String({ minLength: 1 })

/** A function that the model may call; `parameters` is the JSON Schema of its arguments. */
export const FunctionTool = Type.Object({
  type: Type.Literal('function'),
  function: Type.Object({
    name: toolName,
    description: Type.Optional(Type.String({ description: 'By which the model decides when and how to call it.' })),
    parameters: Nullable(JsonSchema),
    strict: Nullable(Type.Boolean({ description: 'Whether its arguments follow the schema in any case.' }))
  }),
  ...cacheControl
}, { title: 'FunctionTool' })
export type FunctionTool = Static<typeof FunctionTool>

/** What the input of a custom tool looks like. Open, as is all that tells kinds of tools apart. */
const CustomToolFormat = taggedUnion('type', {
  text: Type.Object({ type: Type.Literal('text') }, { title: 'CustomToolText' }),
  grammar: Type.Object({
    type: Type.Literal('grammar'),
    grammar: Type.Object({ syntax: openEnum(['lark', 'regex']), definition: Type.String() })
  }, { title: 'CustomToolGrammar' })
}, { open: true, title: 'CustomToolFormat', description: 'What the input looks like: any text, or text of a grammar.' })

/** A tool whose input is free text. */
export const CustomTool = Type.Object({
  type: Type.Literal('custom'),
  custom: Type.Object({
    name: toolName,
    description: Type.Optional(Type.String()),
    format: Type.Optional(CustomToolFormat)
  }),
  ...cacheControl
}, { title: 'CustomTool' })
export type CustomTool = Static<typeof CustomTool>

/** Open: compatible servers have tools of their own. */
export const Tool = taggedUnion('type', { function: FunctionTool, custom: CustomTool }, {
  open: true,
  title: 'Tool',
  description: 'A tool that the model may call: a function, or a custom tool, whose input is free text.'
})
export type Tool = Static<typeof Tool>

/** The one tool to call, or the tools to choose from. */
const ToolChoiceObject = taggedUnion('type', {
  function: Type.Object({ type: Type.Literal('function'), function: Type.Object({ name: toolName }) }, { title: 'NamedFunction' }),
  custom: Type.Object({ type: Type.Literal('custom'), custom: Type.Object({ name: toolName }) }, { title: 'NamedCustomTool' }),
  allowed_tools: Type.Object({
    type: Type.Literal('allowed_tools'),
    allowed_tools: Type.Object({
      mode: openEnum(['auto', 'required']),
      tools: Type.Array(Type.Record(Type.String(), Type.Unknown()), { description: 'Each names a tool as the choice of a single one does.' })
    })
  }, { title: 'AllowedTools' })
}, { open: true, title: 'ToolChoiceObject' })

/** `none`, `auto`, `required`, the one tool to call, or the tools to choose from. */
export const ToolChoice = Type.Union([Type.Enum(['none', 'auto', 'required']), ToolChoiceObject], {
  title: 'ToolChoice',
  description: '`none`, `auto`, `required`, the one tool to call, or the tools to choose from.'
})
export type ToolChoice = Static<typeof ToolChoice>

/** Free text, any JSON object, or JSON that follows a schema. */
export const ResponseFormat = taggedUnion('type', {
  text: Type.Object({ type: Type.Literal('text') }, { title: 'ResponseFormatText' }),
  json_object: Type.Object({ type: Type.Literal('json_object') }, { title: 'ResponseFormatJsonObject' }),
  json_schema: Type.Object({
    type: Type.Literal('json_schema'),
    json_schema: Type.Object({
      name: Type.String({ minLength: 1 }),
      description: Type.Optional(Type.String()),
      schema: Type.Optional(JsonSchema),
      strict: Nullable(Type.Boolean({ description: 'Whether the answer follows the schema in any case.' }))
    })
  }, { title: 'ResponseFormatJsonSchema' })
}, { open: true, title: 'ResponseFormat', description: 'Free text, any JSON object, or JSON that follows a schema.' })
export type ResponseFormat = Static<typeof ResponseFormat>

/** The form of `tools` before there were tools of several kinds. */
export const DeprecatedFunction = Type.Object({
  name: toolName,
  description: Type.Optional(Type.String()),
  parameters: Nullable(JsonSchema)
}, { title: 'Function', deprecated: true })

/** The form of `tool_choice` then. */
export const DeprecatedFunctionCall = Type.Union([Type.Enum(['none', 'auto']), Type.Object({ name: toolName })], { deprecated: true })
