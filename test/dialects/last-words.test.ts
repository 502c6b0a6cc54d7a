import t from 'tap'
import { LastWords } from '../../dialects/last-words.ts'
import { GatewayError } from '../../errors/gateway-error.ts'

function told (error: Error): GatewayError { return new GatewayError(502, error.message, { type: 'server_error', code: 'told' }) }

t.test('a stream that nobody can carry on gets one frame, the next one, in its own form', async t => {
  const of = (dialect: string) => new LastWords(dialect, { after: 7, requestId: 'req-1' }, told)
  t.match(of('chat_completions').fail(new Error('lost')), /^id: 8\ndata: \{"error":\{"message":"lost",[^\n]*"code":"told"[^\n]*\}\}\n\n$/)
  t.match(of('responses').fail(new Error('lost')), /^event: error\nid: 8\ndata: \{"type":"error","sequence_number":7,[^\n]*"code":"told"[^\n]*\}\n\n$/)
  t.match(of('messages').fail(new Error('lost')), /^event: error\nid: 8\ndata: \{"type":"error",[^\n]*"error_code":"told"[^\n]*"request_id":"req-1"\}\n\n$/)
})

t.test('it never ends as if it were whole', async t => {
  for (const dialect of ['chat_completions', 'responses', 'messages']) {
    const words = new LastWords(dialect, { after: 0, requestId: null }, told)
    t.equal(words.encode(), '')
    t.match(words.end(), /"told"/)
    t.notMatch(words.end(), /\[DONE\]|completed|message_stop/)
  }
})
