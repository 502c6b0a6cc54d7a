import { ResponsesAnswer } from '../schemas/responses-answer.ts'
import { ResponsesEvent } from '../schemas/responses-events.ts'
import type { RouteDescription } from './description.ts'
import { resumable } from './resumable.ts'

/** `POST /v1/responses` */
export const responses: RouteDescription = {
  ...resumable,
  requests: {
    smallest: { summary: 'The smallest request', value: { input: 'Hello!' } },
    stream: { summary: 'A stream', value: { model: 'auto', input: 'Hello!', stream: true } },
    reasoning: {
      summary: 'Reasoning that can be sent back',
      value: { input: [{ role: 'user', content: 'How many primes are below 100?' }], reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'], store: false }
    }
  },
  answers: {
    'application/json': { schema: ResponsesAnswer },
    'text/event-stream': { data: [ResponsesEvent] }
  }
}
