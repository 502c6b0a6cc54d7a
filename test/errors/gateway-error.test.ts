import t from 'tap'
import { GatewayError, invalidRequest, notFound } from '../../errors/gateway-error.ts'

t.test('the body has OpenAI\'s fields, and attempts only where there were some', async t => {
  t.same(new GatewayError(502, 'Every target failed.', { type: 'server_error', code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }], cause: new Error('secret'), retryAfterMs: 5 }).toBody(),
    { error: { message: 'Every target failed.', type: 'server_error', code: 'all_targets_failed', param: null, attempts: [{ target: 'a', class: 'failure' }] } })
  t.same(new GatewayError(500, 'x', { type: 'server_error', code: null, cause: new Error('secret') }).toBody(), { error: { message: 'x', type: 'server_error', code: null, param: null } })
})

t.test('the two kinds that routes throw', async t => {
  t.match(invalidRequest('bad', 'n'), { status: 400, type: 'invalid_request_error', code: 'invalid_request', param: 'n' })
  t.match(notFound('none', 'model_not_found', 'model'), { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' })
  t.match(notFound('none', 'route_not_found'), { param: null })
})
