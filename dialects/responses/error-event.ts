import type { GatewayError } from '../../errors/gateway-error.ts'
import type { ResponsesEvent } from '../../schemas/responses-events.ts'
import { errorBody } from './error-body.ts'

/**
 * An error as an event of a stream, which clients throw.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 */
export function errorEvent (error: GatewayError): Extract<ResponsesEvent, { type: 'error' }> {
  const { error: body } = errorBody(error)
  const { message, param } = body
  // Some clients know no error without a code.
  const code = body.code ?? body.type
  return { type: 'error', code, message, param, error: { ...body, code } }
}
