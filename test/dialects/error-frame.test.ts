import t from 'tap'
import { errorFrame } from '../../dialects/error-frame.ts'
import { GatewayError } from '../../errors/gateway-error.ts'

const GONE = new GatewayError(410, 'Gone.', { type: 'invalid_request_error', code: 'frames_gone', param: 'last-event-id' })
const BODY = { message: 'Gone.', type: 'invalid_request_error', code: 'frames_gone', param: 'last-event-id' }
/** What each dialect says after frame 4. */
const SAID = [
  { dialect: 'chat_completions', event: '', data: { error: BODY } },
  { dialect: 'responses', event: 'event: error\n', data: { type: 'error', sequence_number: 4, code: 'frames_gone', message: 'Gone.', param: 'last-event-id', error: BODY } },
  { dialect: 'messages', event: 'event: error\n', data: { type: 'error', error: { type: 'invalid_request_error', message: 'Gone.', details: { error_code: 'frames_gone', param: 'last-event-id' } }, request_id: 'req-1' } }
]

t.test('an error in each dialect, with a number where it is one of the stream', async t => {
  for (const { dialect, event, data } of SAID) {
    t.equal(errorFrame(dialect, GONE, { after: 4, ofStream: true, requestId: 'req-1' }), `${event}id: 5\ndata: ${JSON.stringify(data)}\n\n`, dialect)
    t.equal(errorFrame(dialect, GONE, { after: 4, ofStream: false, requestId: 'req-1' }), `${event}data: ${JSON.stringify(data)}\n\n`, dialect)
  }
})

t.test('a request that is not known has no id', async t => {
  t.match(errorFrame('messages', GONE, { after: 0, ofStream: true, requestId: null }), /^event: error\nid: 1\ndata: .*"request_id":null\}\n\n$/)
})

t.test('a dialect that is not known is told as the core does; a name of every object is none', async t => {
  const place = { after: 4, ofStream: true, requestId: null }
  for (const dialect of ['', 'of-a-later-version', 'constructor', '__proto__']) {
    t.equal(errorFrame(dialect, GONE, place), errorFrame('chat_completions', GONE, place), JSON.stringify(dialect))
  }
})
