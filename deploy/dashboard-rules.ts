/** A dashboard's queries as recording rules, which promtool can check: from standard input to standard output. */
import { readFileSync } from 'node:fs'
import { queriesOf } from './dashboard.ts'

const rules = queriesOf(readFileSync(0, 'utf8')).map(({ panel, expr }, index) => ({ record: `dashboard:query_${index}`, expr, labels: { panel } }))
console.log(JSON.stringify({ groups: [{ name: 'dashboard', rules }] })) // JSON is YAML
