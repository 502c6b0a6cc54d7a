import type { RouteDescription } from './description.ts'

/** What all routes have in common whose streams can be joined again. */
export const resumable: Pick<RouteDescription, 'headers' | 'answerHeaders' | 'failures'> = {
  headers: {
    'x-gateway-resumable': { type: 'string', enum: ['true', 'false'], description: 'Whether the stream can be joined again. Default: as its model is configured.' },
    'idempotency-key': { type: 'string', pattern: '^[!-~]{1,255}$', description: 'A name of the request: who asks for the same under it again joins the stream that there is. Streams only.' }
  },
  answerHeaders: {
    'x-gateway-replayed': { type: 'string', const: 'true', description: 'The request was made before, under its Idempotency-Key.' }
  },
  failures: { 422: { description: 'The Idempotency-Key was used for another request.' } }
}
