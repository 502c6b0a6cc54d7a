import t from 'tap'
import { messagesError } from '../../../dialects/messages/errors.ts'
import { GatewayError } from '../../../errors/gateway-error.ts'

const told = (status: number, param: string | null = null) => messagesError(new GatewayError(status, 'No.', { type: 'api_error', code: 'c', param }), 'req-1')

t.test('an error has Anthropic\'s shape, and what the gateway knows beside', async t => {
  t.same(told(400, 'messages[0].content'), { type: 'error', error: { type: 'invalid_request_error', message: 'No.', details: { error_code: 'c', param: 'messages[0].content' } }, request_id: 'req-1' })
  const attempts = [{ target: 'a', class: 'failure' }]
  t.same(messagesError(new GatewayError(502, 'No.', { type: 'server_error', code: null, attempts }), 'r').error.details, { error_code: null, param: null, attempts })
})

t.test('each status has its type', async t => {
  const types = new Map([
    [400, 'invalid_request_error'], [401, 'authentication_error'], [402, 'billing_error'], [403, 'permission_error'], [404, 'not_found_error'], [408, 'timeout_error'],
    [413, 'request_too_large'], [415, 'invalid_request_error'], [422, 'invalid_request_error'], [429, 'rate_limit_error'], [500, 'api_error'], [502, 'api_error'], [503, 'overloaded_error'], [504, 'timeout_error']
  ])
  for (const [status, type] of types) t.equal(told(status).error.type, type, String(status))
})

t.test('fields have the caller\'s names', async t => {
  t.same(['max_completion_tokens', 'stop', 'response_format', 'reasoning_effort', 'parallel_tool_calls', 'user', 'thinking'].map(param => told(400, param).error.details.param), [
    'max_tokens', 'stop_sequences', 'output_config.format', 'output_config.effort', 'tool_choice.disable_parallel_tool_use', 'metadata.user_id', 'thinking'
  ])
})
