/**
 * A whole answer that stops in its middle is a failure of the target, for which another one can be asked: it used to wait
 * for the request's deadline, which is nobody's failure.
 */
import t from 'tap'
import { rawUpstream } from '../support/raw-upstream.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'

const request = (signal = new AbortController().signal) => ({ path: '/', headers: {}, body: '{}', signal })

t.test('a whole answer that stops between two bytes is given up, and its connection closed', async t => {
  const server = await rawUpstream(t, async connection => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
  })
  const upstream = new HttpUpstream({ origin: server.origin, stalledBodyMs: 50 })
  t.teardown(async () => await upstream.close())
  t.match(await upstream.whole(request()).catch((error: unknown) => error), { reason: 'stalled', class: 'failure' })
  await (await server.connection(1)).closed
})

t.test('one that has not begun is waited for', async t => {
  const server = await rawUpstream(t, async connection => {
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n')
    // Later than the limit.
    setTimeout(() => connection.send('done'), 60)
  })
  const upstream = new HttpUpstream({ origin: server.origin, stalledBodyMs: 20 })
  t.teardown(async () => await upstream.close())
  t.match(await upstream.whole(request()), { status: 200, text: 'done' })
})
