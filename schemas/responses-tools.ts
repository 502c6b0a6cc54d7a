import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { taggedUnion } from './tagged-union.ts'
import { JsonSchema } from './tools.ts'

/**
 * Tools and output formats of a Responses request: flat, where chat completions nests them.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */

const name = Type.String({ minLength: 1 })
/** Not translated; see the translator. */
const hosted = {
  allowed_callers: Nullable(Type.Array(Type.String())),
  async: Nullable(Type.Boolean()),
  defer_loading: Nullable(Type.Boolean())
}

/** A function; `strict` is on unless it says otherwise. */
export const ResponsesFunctionTool = Type.Object({
  type: Type.Literal('function'),
  name,
  description: Nullable(Type.String()),
  parameters: Nullable(JsonSchema),
  strict: Nullable(Type.Boolean()),
  output_schema: Nullable(JsonSchema),
  ...hosted
})
export type ResponsesFunctionTool = Static<typeof ResponsesFunctionTool>

/** A tool whose input is free text, or follows a grammar. */
export const ResponsesCustomTool = Type.Object({
  type: Type.Literal('custom'),
  name,
  description: Nullable(Type.String()),
  format: Nullable(taggedUnion('type', {
    text: Type.Object({ type: Type.Literal('text') }),
    grammar: Type.Object({ type: Type.Literal('grammar'), syntax: Type.Union([Type.Literal('lark'), Type.Literal('regex')]), definition: Type.String() })
  })),
  ...hosted
})
export type ResponsesCustomTool = Static<typeof ResponsesCustomTool>

/** Open: the tools that OpenAI runs itself are refused by name, by the translator. */
export const ResponsesTool = taggedUnion('type', { function: ResponsesFunctionTool, custom: ResponsesCustomTool }, { open: true })
export type ResponsesTool = Static<typeof ResponsesTool>

/** `none`, `auto`, `required`, the one tool to call, or those to choose from. */
export const ResponsesToolChoice = Type.Union([
  Type.Literal('none'),
  Type.Literal('auto'),
  Type.Literal('required'),
  taggedUnion('type', {
    function: Type.Object({ type: Type.Literal('function'), name }),
    custom: Type.Object({ type: Type.Literal('custom'), name }),
    allowed_tools: Type.Object({
      type: Type.Literal('allowed_tools'),
      mode: Type.Union([Type.Literal('auto'), Type.Literal('required')]),
      tools: Type.Array(taggedUnion('type', {
        function: Type.Object({ type: Type.Literal('function'), name }),
        custom: Type.Object({ type: Type.Literal('custom'), name })
      }, { open: true }))
    })
  }, { open: true })
])
export type ResponsesToolChoice = Static<typeof ResponsesToolChoice>

/** Free text, any JSON object, or JSON that follows a schema. */
export const ResponsesTextFormat = taggedUnion('type', {
  text: Type.Object({ type: Type.Literal('text') }),
  json_object: Type.Object({ type: Type.Literal('json_object') }),
  json_schema: Type.Object({
    type: Type.Literal('json_schema'),
    name,
    schema: JsonSchema,
    description: Nullable(Type.String()),
    strict: Nullable(Type.Boolean())
  })
})
export type ResponsesTextFormat = Static<typeof ResponsesTextFormat>
