import t from 'tap'
import { keptRequest, readKeptRequest } from '../../failover/kept-request.ts'

t.test('what is kept of a request is read as it was, extensions included', async t => {
  const call = { requestId: 'r-1', request: { model: 'auto', messages: [{ role: 'user' as const, content: 'Hällo' }], stream: true, top_k: 5, unknown: { to: ['us'] } } }
  t.same(await readKeptRequest(keptRequest(call)), call)
})

t.test('what is no request of this version is not read', async t => {
  for (const text of ['null', '{}', '{"requestId": 1, "request": {"messages": []}}', '{"requestId": "r", "request": {"messages": "none"}}']) t.equal(await readKeptRequest(text), undefined)
})
