import fc from 'fast-check'
import t from 'tap'
import { converseEvent, textJsonIn } from '../../../providers/bedrock/converse-event.ts'
import { EventStreamReader } from '../../../providers/bedrock/event-stream-reader.ts'
import type { EventStreamMessage } from '../../../providers/bedrock/event-stream-reader.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import { START, STOP, event, exception, frame } from './event-stream-server.ts'

function messageIn (bytes: Buffer): EventStreamMessage {
  const reader = new EventStreamReader()
  reader.push(bytes)
  const message = reader.next()
  if (message === undefined) throw new Error('the message is not complete')
  return message
}

function failureOf (message: EventStreamMessage): unknown {
  try {
    return converseEvent(message)
  } catch (error) {
    return error
  }
}

const payloadOf = (payload: string): EventStreamMessage => ({ ...messageIn(event('contentBlockDelta', {})), payload })

t.test('text that is copied is the text that is parsed', async t => {
  for (const begun of [true, false]) {
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(), fc.constantFrom({}, { p: 'abcDEF19' }), (text, contentBlockIndex, padding) => {
      const message = messageIn(event('contentBlockDelta', { contentBlockIndex, delta: { text }, ...padding }))
      const json = textJsonIn(message)
      if (json === undefined) return /[^ -\ud7ff\ue000-\uffff]/.test(text) // escaped by number
      const [copied, parsed] = [new StreamTranslator({ id: 'a', created: 1, model: 'm' }), new StreamTranslator({ id: 'a', created: 1, model: 'm' })]
      if (begun) for (const translator of [copied, parsed]) translator.translate(converseEvent(messageIn(START)))
      t.strictSame([copied.translateText(json)].flat(), [parsed.translate(converseEvent(message))].flat())
      return true
    }))
  }
})

t.test('what is copied', async t => {
  for (const [payload, json] of [
    ['{"contentBlockIndex":0,"delta":{"text":"Hi"}}', '"Hi"'],
    ['{"contentBlockIndex":12,"delta":{"text":"a \\"b\\" \\\\ \\n"},"p":"abc"}', '"a \\"b\\" \\\\ \\n"']
  ] as const) t.equal(textJsonIn(payloadOf(payload)), json)
  for (const payload of [
    '{"contentBlockIndex":0,"delta":{"text":""}}',
    '{"contentBlockIndex":0,"delta":{"text":"a\\u0041"}}',
    '{"contentBlockIndex":0,"delta":{"text":"a\\/"}}',
    '{"contentBlockIndex":0,"delta":{"text":"a\\x"}}',
    '{"contentBlockIndex":0,"delta":{"text":"a\n"}}',
    '{"contentBlockIndex":0,"delta":{"text":"a","b":"c"}}',
    '{"contentBlockIndex":0,"delta":{"text":"a"}},',
    '{"contentBlockIndex":0,"delta":{"text":"a"},"delta":null}',
    '{"contentBlockIndex":0,"delta":{"text":"a}}',
    '{"contentBlockIndex":0, "delta":{"text":"a"}}',
    `{"contentBlockIndex":0,"delta":{"text":"${'a'.repeat(16 * 1024)}"}}`
  ]) t.equal(textJsonIn(payloadOf(payload)), undefined, payload)
  const { payload } = payloadOf('{"contentBlockIndex":0,"delta":{"text":"Hi"}}')
  for (const bytes of [START, exception('contentBlockDelta', 'x'), event('other', {}), frame({ ':event-type': 'contentBlockDelta', ':message-type': 'exception' }, {})]) {
    t.equal(textJsonIn({ ...messageIn(bytes), payload }), undefined, 'another message')
  }
})

t.test('messages without payload, and events that are not known', async t => {
  const empty = (type: string): EventStreamMessage => ({ ...messageIn(event(type, {})), payload: '' })
  t.strictSame(converseEvent(empty('messageStart')), { messageStart: {} })
  for (const payload of ['', '{', 'text']) t.strictSame(converseEvent({ ...messageIn(event('newEvent', {})), payload }), {}, 'nothing is known of its payload')
  t.throws(() => converseEvent({ ...messageIn(event('metadata', {})), payload: '{' }), SyntaxError)
  t.match(failureOf({ ...messageIn(exception('throttlingException', 'x')), payload: '' }), { reason: 'rate_limited' })
  t.match(failureOf(messageIn(frame({ ':message-type': 'error', ':error-code': 'validationException', ':error-message': 'too "long"' }, {}))), { reason: 'invalid_request', message: 'too "long"' })
  t.match(failureOf(messageIn(frame({}, {}))), { reason: 'malformed' })
})

t.test('nothing comes after the end', async t => {
  const translator = new StreamTranslator({ id: 'a', created: 1, model: 'm' })
  translator.translate(converseEvent(messageIn(STOP)))
  t.strictSame(translator.translateText('"late"'), [])
})
