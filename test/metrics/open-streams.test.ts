import t from 'tap'
import { OpenStreams } from '../../metrics/open-streams.ts'
import { Registry } from '../../metrics/registry.ts'
import { textOf } from '../../metrics/text-format.ts'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { PrometheusText } from '../support/prometheus-text.ts'

t.test('streams count from their opening to their end, with what their queues hold just then', async t => {
  const registry = new Registry()
  const streams = new OpenStreams(registry)
  const read = async () => {
    const metrics = new PrometheusText(textOf(await registry.collect()))
    return ['a', 'b'].map(target => ['streams_open', 'stream_queue_chunks', 'stream_queue_bytes'].map(name => metrics.value(`llm_gateway_${name}`, { target })))
  }
  const queue = () => new BoundedQueue<string>({ sizeOf: text => text.length })
  const [first, second, other] = [queue(), queue(), queue()]
  const ends = [streams.opened('a', 'chat', first), streams.opened('a', 'auto', second), streams.opened('b', 'chat', other)]
  t.same(await read(), [[2, 0, 0], [1, 0, 0]])
  first.offer('12345')
  first.offer('678')
  second.offer('9')
  t.same(await read(), [[2, 3, 9], [1, 0, 0]])
  first.poll()
  ends[1]?.()
  t.same(await read(), [[1, 1, 3], [1, 0, 0]])
  for (const end of ends) end()
  t.same(await read(), [[0, 0, 0], [0, 0, 0]])
})

t.test('a target that is expected shows before its first stream', async t => {
  const registry = new Registry()
  const streams = new OpenStreams(registry)
  streams.expect('a')
  const metrics = new PrometheusText(textOf(await registry.collect()))
  for (const name of ['streams_open', 'stream_queue_chunks', 'stream_queue_bytes']) t.match(metrics.samples(`llm_gateway_${name}`), [{ labels: { target: 'a' }, value: 0 }], name)
})
