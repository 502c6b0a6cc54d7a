import t from 'tap'
import { fileComplaints as complaints } from '../support/configure.ts'

const SECRET = 'hunter2'

// TypeBox reports eight faults of a value and no more: those of the first targets left no room for the rest.
t.test('all mistakes at once, however many each target has, and no value in any line', async t => {
  const bad = { name: `${SECRET} `, provider: 'azure-apim', options: { endpoint: SECRET, deployment: '', apiVersion: 5, apiKey: '', model: SECRET, x: SECRET } }
  const lines = complaints({ targets: [bad, bad, bad], models: { m: { targets: [], idleTimeoutMs: 0 }, n: { targets: ['a'], midstreamFailover: SECRET } }, default: 5, extra: SECRET })
  for (const part of ['targets[0].name', 'targets[2].name', 'targets[2].options.endpoint', 'targets[2].options.x', 'models.m.targets', 'models.m.idleTimeoutMs', 'models.n.midstreamFailover', 'default', 'extra']) {
    t.ok(lines.some(line => line.startsWith(`${part}: `)), part)
  }
  t.notMatch(lines.join('\n'), new RegExp(SECRET))
})
