import t from 'tap'
import { Registry } from '../../metrics/registry.ts'
import { RunningRequests } from '../../metrics/running-requests.ts'

t.test('completions are counted from their beginning to their end, once each, and models that nobody asks for show', async t => {
  const registry = new Registry()
  const running = new RunningRequests(registry)
  const read = async () => Object.fromEntries((await registry.collect()).flatMap(family => family.kind === 'histogram' ? [] : family.series.map(({ labels, value }) => [labels.join(), value])))
  running.expect('chat')
  t.same(await read(), { chat: 0 })
  const ends = [running.begun('chat'), running.begun('chat'), running.begun('auto')]
  running.expect('auto')
  t.same(await read(), { chat: 2, auto: 1 })
  for (const end of ends) {
    end()
    end()
  }
  t.same(await read(), { chat: 0, auto: 0 })
})
