/**
 * Alerts and dashboard ask for what there is; promtool, in `deploy/check`, looks at the queries themselves.
 */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { Type } from 'typebox'
import { Assert } from 'typebox/value'
import { parse } from 'yaml'
import { queriesOf } from '../../deploy/dashboard.ts'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const read = async (path: string): Promise<string> => await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

const Rules = Type.Object({
  groups: Type.Array(Type.Object({
    rules: Type.Array(Type.Object({
      alert: Type.String(),
      expr: Type.String(),
      labels: Type.Object({ severity: Type.Union([Type.Literal('page'), Type.Literal('warning')]) }),
      annotations: Type.Object({ summary: Type.String() })
    }))
  }))
})

async function alerts () {
  const rules: unknown = parse(await read('deploy/helm/alerts/llm-gateway.yaml'))
  Assert(Rules, rules)
  return rules.groups.flatMap(({ rules }) => rules)
}

/** What Prometheus adds to what it scrapes. */
const SCRAPED = ['job', 'instance', 'namespace', 'pod', 'le']

/** Of each metric that a gateway shows its labels. */
async function shown (t: Parameters<typeof buildGateway>[0]): Promise<ReadonlyMap<string, readonly string[]>> {
  const { server } = await buildGateway(t, { env: openaiAt(await scriptedUpstream(t)) })
  const families = await server.metrics.collect()
  return new Map(families.flatMap(({ kind, name, labelNames }) => (kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map(suffix => [name + suffix, labelNames] as const)))
}

/** What a query asks for that there is not. */
function unknownOf (expr: string, metrics: ReadonlyMap<string, readonly string[]>): string[] {
  const asked = [...expr.matchAll(/\b((?:llm_gateway|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)]
  if (asked.length === 0) return ['no metric']
  const names = asked.map(([, name = '']) => name).filter(name => !metrics.has(name))
  const labels = asked.flatMap(([, name = '', selectors = '']) => [...selectors.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(match => `${name}.${match[1]}`))
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(match => match[1]?.split(',') ?? []).map(label => `${asked.map(([, name = '']) => name).join('|')}.${label.trim()}`)
  const isKnown = (path: string): boolean => {
    const [of = '', label = ''] = path.split('.')
    return SCRAPED.includes(label) || of.split('|').every(name => metrics.get(name)?.includes(label) === true)
  }
  return [...names, ...[...labels, ...grouped].filter(path => !isKnown(path))]
}

t.test('the test itself sees what there is not', async t => {
  const metrics = new Map([['llm_gateway_workers', []], ['llm_gateway_streams_open', ['target']]])
  t.same(unknownOf('sum by (target) (llm_gateway_streams_open{target="a"})', metrics), [])
  t.same(unknownOf('sum by (model) (llm_gateway_streams_open{alias="a"}) / llm_gateway_worker', metrics), ['llm_gateway_worker', 'llm_gateway_streams_open.alias', 'llm_gateway_streams_open|llm_gateway_worker.model'])
  t.same(unknownOf('up == 0', metrics), ['no metric'])
})

t.test('alerts and dashboard know only metrics and labels that a gateway shows', async t => {
  const metrics = await shown(t)
  for (const { alert, expr } of await alerts()) t.same(unknownOf(expr, metrics), [], alert)
  const queries = queriesOf(await read('deploy/helm/dashboards/llm-gateway.json'))
  t.ok(queries.length > 30)
  for (const [index, { panel, expr }] of queries.entries()) t.same(unknownOf(expr, metrics), [], `${index} ${panel}`)
})

t.test('the metric of the autoscaler is one of pods', async t => {
  const { autoscaling }: { autoscaling: { streams: { metric: string } } } = parse(await read('deploy/helm/values.yaml'))
  t.ok((await shown(t)).has(autoscaling.streams.metric))
})

t.test('operations.md explains each alert, and no other', async t => {
  const explained = [...(await read('docs/operations.md')).matchAll(/^\*\*(\w+)\*\*/gm)].map(match => match[1])
  t.same(explained.sort(), (await alerts()).map(({ alert }) => alert).sort())
})

t.test('each alert has a test in which it comes, and one in which it does not', async t => {
  const { tests }: { tests: Array<{ alert_rule_test: Array<{ alertname: string, exp_alerts: unknown[] }> }> } = parse(await read('deploy/helm/alerts/llm-gateway.test.yaml'))
  const cases = tests.flatMap(({ alert_rule_test: cases }) => cases)
  for (const { alert } of await alerts()) {
    const of = cases.filter(({ alertname }) => alertname === alert)
    t.ok(of.some(({ exp_alerts: expected }) => expected.length > 0), `${alert} comes`)
    t.ok(of.some(({ exp_alerts: expected }) => expected.length === 0), `${alert} does not`)
  }
})

t.test('the dashboard\'s panels do not lie on each other', async t => {
  const { panels }: { panels: Array<{ id: number, title: string, description?: string, type: string, gridPos: { x: number, y: number, w: number, h: number } }> } = JSON.parse(await read('deploy/helm/dashboards/llm-gateway.json'))
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Map<string, string>()
  const twice: string[] = []
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const other = taken.get(`${column} ${line}`)
        if (other !== undefined) twice.push(`${title} on ${other}`)
        taken.set(`${column} ${line}`, title)
      }
    }
  }
  t.same(twice, [])
  t.same(panels.filter(({ type, description }) => type !== 'row' && description === undefined).map(({ title }) => title), [], 'each says what it shows')
})
