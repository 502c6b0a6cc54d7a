/** `response_format: json_object`: the arguments of the tool that the model must call are the answer's text. */
import t from 'tap'
import { completionOf } from '../../../providers/bedrock/response.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import { JSON_ANSWER } from '../../../providers/bedrock/tools.ts'
import type { ConverseEvent } from '../../../providers/bedrock/wire.ts'

const HEAD = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'amazon.nova-pro-v1:0' }

t.test('a whole answer', async t => {
  const { json, finishReason } = completionOf({
    output: { message: { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: JSON_ANSWER, input: { city: 'Bern' } } }] } },
    stopReason: 'tool_use'
  }, HEAD)
  t.equal(finishReason, 'stop')
  t.strictSame(JSON.parse(json).choices[0].message, { role: 'assistant', content: '{"city":"Bern"}' })
})

t.test('a stream', async t => {
  const translator = new StreamTranslator(HEAD)
  const events: ConverseEvent[] = [
    { messageStart: { role: 'assistant' } },
    { contentBlockStart: { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'a', name: JSON_ANSWER } } } },
    { contentBlockDelta: { contentBlockIndex: 0, delta: { toolUse: { input: '{"city":' } } } },
    { contentBlockDelta: { contentBlockIndex: 0, delta: { toolUse: { input: '"Bern"}' } } } },
    { contentBlockStop: { contentBlockIndex: 0 } },
    { messageStop: { stopReason: 'tool_use' } }
  ]
  const choices = events.flatMap(event => translator.translate(event)).map(({ json }) => JSON.parse(json).choices[0])
  t.strictSame(choices.map(({ delta }) => delta), [{ role: 'assistant', content: '' }, { content: '{"city":' }, { content: '"Bern"}' }, {}])
  t.strictSame(choices.map(choice => choice.finish_reason), [null, null, null, 'stop'])
})
