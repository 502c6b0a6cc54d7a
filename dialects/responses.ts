import { Type } from 'typebox'
import type { Static } from 'typebox'
import { objectOf } from '../schemas/json-object.ts'
import { ResponsesRequest } from '../schemas/responses-request.ts'
import type { Dialect } from './dialect.ts'
import { EventFrames } from './responses/event-frames.ts'
import { ResponseInProgress, malformedAnswer } from './responses/response.ts'
import type { AnswerContext } from './responses/response.ts'
import { chunksInEvents } from './responses/stored-events.ts'

/** What an answer has to know of its request. */
export const AskedResponse = Type.Object({
  /** Unique: what the ids of the answer and of its items end in. */
  id: Type.String(),
  /** All that answers repeat. */
  request: Type.Omit(ResponsesRequest, ['input'])
})

/** See the schema. */
export type AskedResponse = Static<typeof AskedResponse>

/** @param id what the answer's ids end in; unique */
export function askedResponse ({ input: _, ...request }: ResponsesRequest, id: string): AskedResponse {
  return { id, request }
}

/**
 * OpenAI's Responses API, without a memory of past answers.
 * @param now Unix time, in ms
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function responses (asked: AskedResponse, now: () => number = Date.now): Dialect {
  const context: AnswerContext = { ...asked, now }
  return {
    name: 'responses',
    asked,
    whole: json => JSON.stringify(wholeAnswer(json, context)),
    frames: errorOf => new EventFrames(context, errorOf),
    chunksIn: chunksInEvents
  }
}

function wholeAnswer (json: string, context: AnswerContext): object {
  const body = objectOf(json)
  const response = new ResponseInProgress(context, () => {})
  const choice = body === undefined ? undefined : response.observe(body)
  if (choice === undefined) throw malformedAnswer()
  response.say(choice)
  return response.finished()
}
