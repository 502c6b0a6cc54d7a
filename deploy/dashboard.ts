import { Type } from 'typebox'
import { Assert } from 'typebox/value'

/** What is read of a Grafana dashboard. */
const Dashboard = Type.Object({
  panels: Type.Array(Type.Object({ title: Type.String(), targets: Type.Optional(Type.Array(Type.Object({ expr: Type.String() }))) }))
})

/** A query, and the panel that it is in. */
export interface Query {
  readonly panel: string
  readonly expr: string
}

/** The queries of a dashboard, with what Grafana puts in place of its variables. @throws it is no dashboard */
export function queriesOf (json: string): Query[] {
  const dashboard: unknown = JSON.parse(json)
  Assert(Dashboard, dashboard)
  return dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({
    panel: title,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|namespace|target)\b/g, '.*')
  })))
}
