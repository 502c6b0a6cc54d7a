/**
 * The chart's values, as far as can be said without Helm: `deploy/check` renders them, and has Kubernetes look at the outcome.
 */
import { readdir, readFile } from 'node:fs/promises'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { chartVariables, OWN, SECRET, valuesSchema } from '../../deploy/values-schema.ts'
import { Environment } from '../../schemas/environment.ts'
import { GatewayConfigFile } from '../../schemas/gateway-config.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

const chart = new URL('../../deploy/helm/', import.meta.url)
const textOf = async (path: string): Promise<string> => await readFile(new URL(path, chart), 'utf8')

async function yamlOf (path: string): Promise<JsonObject> {
  const value: unknown = parse(await textOf(path))
  if (!isJsonObject(value)) throw new Error(`${path} holds no object`)
  return value
}

const validate = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false }).compile(valuesSchema())

t.test('the schema has the gateway\'s variables as they are: node deploy/values-schema.ts writes them', async t => {
  t.strictSame(JSON.parse(await textOf('values.schema.json')), valuesSchema())
  const known = Object.keys(Environment.properties)
  t.same(OWN.filter(name => !known.includes(name)), [], 'what the chart sets is known')
  t.same(Object.keys(chartVariables()).filter(name => /KEY|SECRET|TOKEN|PASSWORD|HEADERS/.test(name) && !/^KEEP_ALIVE|_TOKEN_TIMEOUT_/.test(name)), [], 'no secret is among them')
})

t.test('the defaults and all value sets are what the schema says', async t => {
  const files = ['values.yaml', ...(await readdir(new URL('ci/', chart))).map(name => `ci/${name}`)]
  t.equal(files.length, 5)
  for (const file of files) {
    t.ok(validate(await yamlOf(file)), `${file}: ${JSON.stringify(validate.errors)}`)
  }
})

t.test('each value of the schema is in values.yaml with its default', async t => {
  const { properties } = valuesSchema()
  const defaults = await yamlOf('values.yaml')
  const missing = (schema: unknown, value: unknown, path: string): string[] => {
    const inner = isJsonObject(schema) ? schema['properties'] : undefined
    // What it holds is the user's.
    if (!isJsonObject(inner) || ['.variables', '.resources'].includes(path)) return []
    return Object.keys(inner).flatMap(name => isJsonObject(value) && name in value ? missing(inner[name], value[name], `${path}.${name}`) : [`${path}.${name}`])
  }
  t.same(missing({ properties }, defaults, ''), ['.global'])
})

t.test('what is wrong is refused', async t => {
  const wrong: JsonObject[] = [
    { replica: 2 },
    { variables: { IDLE_TIMEOUT: 1 } },
    { variables: { OPENAI_API_KEY: 'sk' } },
    { variables: { SHUTDOWN_GRACE_MS: 0 } },
    { variables: { SHUTDOWN_GRACE_MS: '300000' } },
    { secretVariables: { OPENAI_API_KEY: 'sk' } },
    { secretVariables: { DATABASE_URL: { secret: 'a', key: 'b' } } },
    { database: { pglite: { storage: 'disk' } } },
    { termination: { preStopSeconds: 0 } },
    { ingress: { controller: 'traefik' } },
    { image: { repository: 'a', digest: 'sha256:1' } }
  ]
  for (const values of wrong) t.notOk(validate(values), JSON.stringify(values))
})

t.test('configuration files in the value sets are what the gateway takes', async t => {
  const { gatewayConfig } = await yamlOf('ci/aws.yaml')
  t.ok(new Ajv({ strict: false }).validate(GatewayConfigFile, gatewayConfig))
})

t.test('templates use no value that there is not, and each that there is', async t => {
  const names = await readdir(new URL('templates/', chart), { recursive: true })
  const templates = (await Promise.all(names.filter(name => /\.(yaml|tpl|txt)$/.test(name)).map(async name => await textOf(`templates/${name}`)))).join('\n')
  const values = await yamlOf('values.yaml')
  const paths = new Set([...templates.matchAll(/\.Values((?:\.\w+)+)/g)].map(match => match[1]?.slice(1) ?? ''))
  t.ok(paths.size > 50)
  for (const path of paths) {
    const found = path.split('.').reduce<unknown>((value, name) => isJsonObject(value) ? value[name] : undefined, values)
    t.not(found, undefined, path)
  }
  for (const name of Object.keys(values)) t.match(templates, new RegExp(`\\.Values\\.${name}\\b`), name)
})

t.test('what the templates take as defaults of variables, those are', async t => {
  const helpers = await textOf('templates/_helpers.tpl')
  const defaults = [...helpers.matchAll(/"name" "(\w+)" "default" (\d+)/g)].map(([, name = '', value]) => [name, Number(value)])
  t.same(defaults.map(([name]) => name), ['SHUTDOWN_GRACE_MS', 'REQUEST_TIMEOUT_MS'])
  for (const [name, value] of defaults) t.match(chartVariables(), { [String(name)]: { default: value } })
})

t.test('each secret variable of the gateway is known as one', t => {
  t.same(Object.keys(Environment.properties).filter(name => /KEYS?$/.test(name) && !SECRET.includes(name)), [])
  t.end()
})

t.test('chart and package have one version', async t => {
  const { version }: { version?: unknown } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  t.match(await yamlOf('Chart.yaml'), { version, appVersion: version })
})
