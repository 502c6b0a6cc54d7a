import type { GatewayError } from '../../errors/gateway-error.ts'
import type { MessagesErrorBody, MessagesErrorType } from '../../schemas/messages-api-answer.ts'

/** What Anthropic calls errors of these statuses; any other is the request's (4xx) or the service's. */
const TYPES: ReadonlyMap<number, MessagesErrorType> = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error']
])

/** Fields of the core's format that a target may name in an error, by what the caller calls them. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['max_completion_tokens', 'max_tokens'],
  ['stop', 'stop_sequences'],
  ['parallel_tool_calls', 'tool_choice.disable_parallel_tool_use'],
  ['response_format', 'output_config.format'],
  ['reasoning_effort', 'output_config.effort'],
  ['user', 'metadata.user_id']
])

/**
 * An error in the format of the Messages API.
 * @param requestId null where it is not known
 * @see https://platform.claude.com/docs/en/api/errors
 */
export function messagesError ({ status, message, code, param, attempts }: GatewayError, requestId: string | null): MessagesErrorBody {
  return {
    type: 'error',
    error: {
      type: TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
      message,
      details: {
        error_code: code,
        param: param === null ? null : NAMES.get(param) ?? param,
        ...(attempts === undefined ? {} : { attempts: [...attempts] })
      }
    },
    request_id: requestId
  }
}
