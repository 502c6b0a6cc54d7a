import fastify, { LogController } from 'fastify'
import t from 'tap'
import gateway from '../../app.ts'
import { configAt } from '../support/build-gateway.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

// Their paths were compared without the prefix, so a mounted gateway logged every probe of the orchestrator.
t.test('health checks are quiet under a prefix too', async t => {
  const upstream = await scriptedUpstream(t)
  const lines: string[] = []
  const app = fastify({ forceCloseConnections: true, logController: new LogController({ disableRequestLogging: true }), logger: { level: 'info', stream: { write: line => { lines.push(line) } } } })
  await app.register(gateway, { config: await configAt(t, upstream), prefix: '/llm' })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/healthz', '/readyz', '/v1/models']) await (await fetch(`${url}/llm${path}`)).text()
  await app.close()
  t.same(lines.filter(line => line.includes('request ended')).map(line => /"path":"([^"]*)"/.exec(line)?.[1]), ['/llm/v1/models'])
})
