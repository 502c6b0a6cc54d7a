import { GatewayError } from '../../errors/gateway-error.ts'

/**
 * What a caller is told of a part of its request that the core's format cannot say.
 * @param param the field, as a path in the caller's request
 * @param what what is not supported; no value of the request
 * @param code what Anthropic's clients know such a refusal by, where they act on it
 */
export function refused (param: string, what: string, code = 'unsupported_parameter'): GatewayError {
  return new GatewayError(400, `The gateway does not support ${what}.`, { type: 'invalid_request_error', code, param })
}
