import { invalidRequest } from '../../errors/gateway-error.ts'
import type { GatewayError } from '../../errors/gateway-error.ts'

/** 400: the request asks for something that the core has no counterpart for, or that needs a memory of past requests. */
export function unsupported (param: string, why: string): GatewayError {
  return invalidRequest(`${param} is not supported: ${why}.`, param, 'unsupported_parameter')
}

/** 400: a field's value cannot be used. */
export function invalidValue (param: string, why: string): GatewayError {
  return invalidRequest(`${param} ${why}.`, param, 'invalid_value')
}
