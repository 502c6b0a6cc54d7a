import { objectOf } from '../schemas/json-object.ts'
import type { ResponsesRequest } from '../schemas/responses-request.ts'
import type { Dialect } from './dialect.ts'
import { EventFrames } from './responses/event-frames.ts'
import { ResponseInProgress, malformedAnswer } from './responses/response.ts'
import type { AnswerContext } from './responses/response.ts'

/**
 * OpenAI's Responses API, without a memory of past answers.
 * @param id unique: what the answer's ids end in
 * @param now Unix time, in ms
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function responses (request: ResponsesRequest, id: string, now: () => number = Date.now): Dialect {
  const context: AnswerContext = { request, id, now }
  return {
    name: 'responses',
    whole: json => JSON.stringify(wholeAnswer(json, context)),
    frames: errorOf => new EventFrames(context, errorOf),
    outlivesReplica: false
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
