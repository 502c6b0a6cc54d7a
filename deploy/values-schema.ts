/**
 * The gateway's variables as the chart's values have them. After a change of `schemas/environment.ts`:
 *
 *     node deploy/values-schema.ts     # writes them into deploy/helm/values.schema.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Environment } from '../schemas/environment.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'

const SCHEMA = new URL('./helm/values.schema.json', import.meta.url)
/** Those that the chart sets by itself. `WORKERS` is not wanted: on Kubernetes there is one process in a pod. */
export const OWN: readonly string[] = ['DATABASE_URL', 'DATA_DIR', 'GATEWAY_CONFIG', 'HOST', 'PORT', 'WORKERS']
/** Those that come out of Secrets, so that no values file has them. */
export const SECRET: readonly string[] = [
  'AZURE_APIM_KEY', 'AZURE_OPENAI_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'STREAM_LOG_KEY', 'GATEWAY_API_KEYS', 'ADMIN_API_KEYS',
  'OTEL_EXPORTER_OTLP_HEADERS'
]

const WIDTH = 150

/** The schema of each variable that may stand in `variables`. */
export function chartVariables (): JsonObject {
  const all: unknown = JSON.parse(JSON.stringify(Environment.properties))
  if (!isJsonObject(all)) return {}
  return Object.fromEntries(Object.entries(all)
    .filter(([name]) => !OWN.includes(name) && !SECRET.includes(name))
    .map(([name, schema]) => [name, isJsonObject(schema) ? withEnum(schema) : schema]))
}

/** A choice among words as `enum`, which Helm's messages tell better than a list of schemas. */
function withEnum (schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema
  return Array.isArray(anyOf) ? { enum: anyOf.map((word: unknown) => isJsonObject(word) ? word['const'] : word), ...rest } : schema
}

/** The values' schema, with the variables in it. */
export function valuesSchema (): JsonObject {
  const schema: unknown = JSON.parse(readFileSync(SCHEMA, 'utf8'))
  const properties = isJsonObject(schema) ? schema['properties'] : undefined
  const variables = isJsonObject(properties) ? properties['variables'] : undefined
  if (!isJsonObject(schema) || !isJsonObject(properties) || !isJsonObject(variables)) throw new Error('not the schema of the values')
  return { ...schema, properties: { ...properties, variables: { ...variables, properties: chartVariables() } } }
}

/** JSON with what fits into a line on one. */
function text (value: unknown, indent = 0): string {
  const line = JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ').replace(/([{[]) | ([}\]])/g, '$1$2')
  if (line.length + indent <= WIDTH || typeof value !== 'object' || value === null) return line
  const entries = Array.isArray(value) ? value.map((item: unknown) => text(item, indent + 2)) : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${text(item, indent + 2)}`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${entries.map(entry => ' '.repeat(indent + 2) + entry).join(',\n')}\n${' '.repeat(indent)}${close}`
}

if (import.meta.main) writeFileSync(SCHEMA, `${text(valuesSchema())}\n`)
