/**
 * vLLM and its kin end a stream that failed with `{"object": "error", …}` and `[DONE]`: without an `error` field, it was
 * passed on as a chunk, and a truncated answer looked complete.
 */
import t from 'tap'
import { completionOf } from '../../../providers/chat-completions/answer.ts'
import { ChunkReader } from '../../../providers/chat-completions/chunk-reader.ts'

const body = (change: Readonly<Record<string, unknown>> = {}) => JSON.stringify({ object: 'error', message: 'EngineCore died', type: 'InternalServerError', param: null, code: 500, ...change })

function firstOf (data: string): unknown {
  const reader = new ChunkReader([])
  reader.push(Buffer.from(`data: ${data}\n\n`))
  return reader.next()
}

t.test('in a stream', async t => {
  t.throws(() => firstOf(body()), { name: 'UpstreamError', reason: 'in_band_error', status: 500 })
  t.throws(() => firstOf(body({ code: 400, message: 'Too many tokens.' })), { name: 'UpstreamError', reason: 'invalid_request', message: 'Too many tokens.' })
})

t.test('as a whole answer', async t => {
  t.throws(() => completionOf(body(), []), { name: 'UpstreamError', reason: 'in_band_error', status: 500 })
})
