/**
 * vLLM and its kin end a stream that failed with `{"object": "error", …}` and `[DONE]`: without an `error` field, it was
 * passed on as a chunk, and a truncated answer looked complete.
 */
import t from 'tap'
import { chunkReader, completionOf } from '../../../providers/chat-completions/answer.ts'

const body = (change: Readonly<Record<string, unknown>> = {}) => JSON.stringify({ object: 'error', message: 'EngineCore died', type: 'InternalServerError', param: null, code: 500, ...change })

t.test('in a stream', async t => {
  t.throws(() => chunkReader([])({ type: '', data: body() }), { name: 'UpstreamError', reason: 'in_band_error', status: 500 })
  t.throws(() => chunkReader([])({ type: '', data: body({ code: 400, message: 'Too many tokens.' }) }), { name: 'UpstreamError', reason: 'invalid_request', message: 'Too many tokens.' })
})

t.test('as a whole answer', async t => {
  t.throws(() => completionOf(body(), []), { name: 'UpstreamError', reason: 'in_band_error', status: 500 })
})
