/**
 * A pod of a Deployment's template, as its controller would make it: from what `kubectl get deployment --output json` says, on
 * standard input, to standard output.
 */
import { readFileSync } from 'node:fs'
import { Type } from 'typebox'
import { Assert } from 'typebox/value'

const Deployments = Type.Object({
  items: Type.Tuple([Type.Object({
    metadata: Type.Object({ name: Type.String() }),
    spec: Type.Object({ template: Type.Object({ metadata: Type.Object({ labels: Type.Unknown(), annotations: Type.Unknown() }), spec: Type.Unknown() }) })
  })])
})

const list: unknown = JSON.parse(readFileSync(0, 'utf8'))
Assert(Deployments, list)
const { metadata, spec: { template } } = list.items[0]
const { labels, annotations } = template.metadata
console.log(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-of-${metadata.name}`, labels, annotations }, spec: template.spec }))
