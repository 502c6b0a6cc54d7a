import { Type } from 'typebox'
import type { Static } from 'typebox'
import { ResponsesAnswer } from './responses-answer.ts'
import { Annotation, Logprob, OutputItem, OutputPart, ReasoningText, SummaryText } from './responses-output.ts'

/**
 * Events of a streamed Responses answer, less `sequence_number`, which they get where they are written.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 */

const place = { output_index: Type.Integer() }
const item = { item_id: Type.String(), ...place }
const part = { ...item, content_index: Type.Integer() }
const summary = { ...item, summary_index: Type.Integer() }
const logprobs = Type.Array(Logprob)

export const ResponsesEvent = Type.Union([
  Type.Object({ type: Type.Literal('response.created'), response: ResponsesAnswer }),
  Type.Object({ type: Type.Literal('response.in_progress'), response: ResponsesAnswer }),
  Type.Object({ type: Type.Literal('response.completed'), response: ResponsesAnswer }),
  Type.Object({ type: Type.Literal('response.incomplete'), response: ResponsesAnswer }),
  Type.Object({ type: Type.Literal('response.failed'), response: ResponsesAnswer }),
  Type.Object({ type: Type.Literal('response.output_item.added'), ...place, item: OutputItem }),
  Type.Object({ type: Type.Literal('response.output_item.done'), ...place, item: OutputItem }),
  Type.Object({ type: Type.Literal('response.content_part.added'), ...part, part: Type.Union([OutputPart, ReasoningText]) }),
  Type.Object({ type: Type.Literal('response.content_part.done'), ...part, part: Type.Union([OutputPart, ReasoningText]) }),
  Type.Object({ type: Type.Literal('response.output_text.delta'), ...part, delta: Type.String(), logprobs }),
  Type.Object({ type: Type.Literal('response.output_text.done'), ...part, text: Type.String(), logprobs }),
  Type.Object({ type: Type.Literal('response.output_text.annotation.added'), ...part, annotation_index: Type.Integer(), annotation: Annotation }),
  Type.Object({ type: Type.Literal('response.refusal.delta'), ...part, delta: Type.String() }),
  Type.Object({ type: Type.Literal('response.refusal.done'), ...part, refusal: Type.String() }),
  Type.Object({ type: Type.Literal('response.reasoning_text.delta'), ...part, delta: Type.String() }),
  Type.Object({ type: Type.Literal('response.reasoning_text.done'), ...part, text: Type.String() }),
  Type.Object({ type: Type.Literal('response.reasoning_summary_part.added'), ...summary, part: SummaryText }),
  Type.Object({ type: Type.Literal('response.reasoning_summary_part.done'), ...summary, part: SummaryText }),
  Type.Object({ type: Type.Literal('response.reasoning_summary_text.delta'), ...summary, delta: Type.String() }),
  Type.Object({ type: Type.Literal('response.reasoning_summary_text.done'), ...summary, text: Type.String() }),
  Type.Object({ type: Type.Literal('response.function_call_arguments.delta'), ...item, delta: Type.String() }),
  Type.Object({ type: Type.Literal('response.function_call_arguments.done'), ...item, arguments: Type.String() }),
  Type.Object({ type: Type.Literal('response.custom_tool_call_input.delta'), ...item, delta: Type.String() }),
  Type.Object({ type: Type.Literal('response.custom_tool_call_input.done'), ...item, input: Type.String() }),
  // As OpenAI sends it: with the fields of its description, and with the error object that its clients read.
  Type.Object({
    type: Type.Literal('error'),
    code: Type.Union([Type.String(), Type.Null()]),
    message: Type.String(),
    param: Type.Union([Type.String(), Type.Null()]),
    error: Type.Record(Type.String(), Type.Unknown())
  })
])
export type ResponsesEvent = Static<typeof ResponsesEvent>
