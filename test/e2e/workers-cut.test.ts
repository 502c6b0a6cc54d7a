/**
 * How several processes on one port end before their streams do: never some of them without the others.
 */
import t from 'tap'
import { assertWhole, startStreaming, untilDraining, untilGone } from '../support/workers.ts'

t.test('a second SIGTERM ends it at once, workers and streams with it', async t => {
  const under = await startStreaming(t)
  const { gateway, workers, responses } = under
  gateway.child.kill('SIGTERM')
  await untilDraining(under)
  gateway.child.kill('SIGTERM')
  t.same(await gateway.exited, { code: 1, signal: null })
  await untilGone(workers)
  for (const response of responses) await t.rejects(response.text(), 'the stream is cut')
})

t.test('kill -9 of the primary: the workers finish their streams, and do not linger', async t => {
  const { gateway, workers, responses, more } = await startStreaming(t)
  gateway.child.kill('SIGKILL')
  for (const pid of workers) await gateway.logged('the primary is gone: shutting down', { pid })
  more()
  await assertWhole(t, responses)
  t.same(await gateway.exited, { code: null, signal: 'SIGKILL' })
  await untilGone(workers)
})

t.test('when the grace has passed the rest is cut in every worker', async t => {
  const { gateway, responses } = await startStreaming(t, { SHUTDOWN_GRACE_MS: '300' })
  t.same(await gateway.stop(), { code: 0, signal: null })
  for (const response of responses) t.notMatch(await response.text().catch(() => 'cut'), /\[DONE\]/)
  t.equal(gateway.linesOf('the grace has passed: the rest is cut').length, 2)
})
