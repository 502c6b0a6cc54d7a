import { Type } from 'typebox'
import type { Static } from 'typebox'
import { taggedUnion } from './tagged-union.ts'

/** A JSON Schema, not looked into by the gateway. */
export const JsonSchema = Type.Record(Type.String(), Type.Unknown())
export type JsonSchema = Static<typeof JsonSchema>

/** A function that the model may call; `parameters` is the JSON Schema of its arguments. */
export const FunctionTool = Type.Object({
  type: Type.Literal('function'),
  function: Type.Object({
    name: Type.String({ minLength: 1 }),
    description: Type.Optional(Type.String()),
    parameters: Type.Optional(Type.Union([JsonSchema, Type.Null()])),
    strict: Type.Optional(Type.Union([Type.Boolean(), Type.Null()]))
  })
})
export type FunctionTool = Static<typeof FunctionTool>

/** A tool whose input is free text. */
export const CustomTool = Type.Object({
  type: Type.Literal('custom'),
  custom: Type.Object({ name: Type.String({ minLength: 1 }) })
})
export type CustomTool = Static<typeof CustomTool>

/** Open: compatible servers have tools of their own. */
export const Tool = taggedUnion('type', { function: FunctionTool, custom: CustomTool }, { open: true })
export type Tool = Static<typeof Tool>

/** `none`, `auto`, `required`, or the one function to call. */
export const ToolChoice = Type.Union([
  Type.Literal('none'),
  Type.Literal('auto'),
  Type.Literal('required'),
  Type.Object({ type: Type.Literal('function'), function: Type.Object({ name: Type.String({ minLength: 1 }) }) }),
  Type.Object({ type: Type.Literal('custom'), custom: Type.Object({ name: Type.String({ minLength: 1 }) }) }),
  Type.Object({ type: Type.Literal('allowed_tools'), allowed_tools: Type.Object({ mode: Type.String(), tools: Type.Array(JsonSchema) }) })
])
export type ToolChoice = Static<typeof ToolChoice>

/** Free text, any JSON object, or JSON that follows a schema. */
export const ResponseFormat = taggedUnion('type', {
  text: Type.Object({ type: Type.Literal('text') }),
  json_object: Type.Object({ type: Type.Literal('json_object') }),
  json_schema: Type.Object({
    type: Type.Literal('json_schema'),
    json_schema: Type.Object({
      name: Type.String({ minLength: 1 }),
      description: Type.Optional(Type.String()),
      schema: Type.Optional(JsonSchema),
      strict: Type.Optional(Type.Union([Type.Boolean(), Type.Null()]))
    })
  })
}, { open: true })
export type ResponseFormat = Static<typeof ResponseFormat>
