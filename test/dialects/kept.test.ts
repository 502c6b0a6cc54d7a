import t from 'tap'
import { chatCompletions } from '../../dialects/chat-completions.ts'
import { keptIn, readKept } from '../../dialects/kept.ts'
import { askedMessage } from '../../dialects/messages/head.ts'
import { messages } from '../../dialects/messages.ts'
import { askedResponse, responses } from '../../dialects/responses.ts'
import { keptRequest, readKeptRequest } from '../../failover/kept-request.ts'
import type { ResponsesRequest } from '../../schemas/responses-request.ts'

const REQUEST = keptRequest({ requestId: 'r-1', request: { messages: [{ role: 'user', content: 'Hällo' }], stream: true } })
const ASKED: ResponsesRequest = { input: 'Hällo', model: 'm', instructions: 'Be brief', tools: [{ type: 'function', name: 'f', parameters: {} }], top_logprobs: 2, metadata: { a: 'b' } }

t.test('what is kept in each dialect is read as it was', async t => {
  for (const dialect of [
    chatCompletions,
    responses(askedResponse(ASKED, 'x')),
    messages(askedMessage({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'Hällo' }], stop_sequences: ['END'] }, 'r-1'))
  ]) {
    const read = await readKept(dialect.name, keptIn(dialect, REQUEST))
    t.equal(read?.request, REQUEST)
    t.equal(read?.dialect.name, dialect.name)
    t.same(read?.dialect.asked, dialect.asked)
  }
})

t.test('of a response all is kept that answers repeat, and not a second time what the model was told', async t => {
  const { input: _, ...request } = ASKED
  t.same(askedResponse(ASKED, 'x'), { id: 'x', request })
})

t.test('versions that carry on chat completions alone do not take the others for such, and read those as ever', async t => {
  t.equal(await readKeptRequest(keptIn(responses(askedResponse(ASKED, 'x')), REQUEST)), undefined)
  t.equal(keptIn(chatCompletions, REQUEST), REQUEST)
})

t.test('what is of another version is not read', async t => {
  const { name, asked } = responses(askedResponse(ASKED, 'x'))
  for (const [dialect, text] of [
    [name, REQUEST],
    [name, JSON.stringify({ asked: { id: 1 }, request: REQUEST })],
    [name, JSON.stringify({ asked: askedMessage({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] }, 'r'), request: REQUEST })],
    [name, JSON.stringify({ asked })],
    ['messages', JSON.stringify({ asked, request: REQUEST })],
    ['to_come', JSON.stringify({ asked, request: REQUEST })]
  ] as const) t.equal(await readKept(dialect, text), undefined, text)
})
