import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import { GatewayConfigFile, ModelConfig, PluginTarget, TargetConfig } from '../schemas/gateway-config.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'
import { ConfigurationError } from './gateway-config.ts'

/** Where a variable's value stands in a string of the file. */
const PLACEHOLDER = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g
const PREFIX = 'GATEWAY_CONFIG'

/**
 * The content of the file that `GATEWAY_CONFIG` names, with `${NAME}` replaced from `env`, and checked.
 * @throws {ConfigurationError} with a line for each mistake
 */
export function parseGatewayConfigFile (text: string, env: Readonly<Record<string, string | undefined>>): GatewayConfigFile {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    throw new ConfigurationError([`${PREFIX}: the file is not JSON`])
  }
  const faults: string[] = []
  const file = withVariables(raw, '', env, faults)
  if (!Check(GatewayConfigFile, file)) {
    throw new ConfigurationError([...faults, ...shapeFaults(file)])
  }
  faults.push(...referenceFaults(file))
  if (faults.length > 0) throw new ConfigurationError(faults)
  return file
}

function withVariables (value: unknown, path: string, env: Readonly<Record<string, string | undefined>>, faults: string[]): unknown {
  if (typeof value === 'string') {
    return value.replace(PLACEHOLDER, (placeholder, name: string) => {
      const found = Object.hasOwn(env, name) ? env[name] : undefined
      if (found !== undefined && found !== '') return found
      faults.push(`${PREFIX}: ${path}: ${placeholder} is not set`)
      return placeholder
    })
  }
  if (Array.isArray(value)) return value.map((item, index) => withVariables(item, `${path}[${index}]`, env, faults))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withVariables(item, path === '' ? key : `${path}.${key}`, env, faults)]))
}

/**
 * The schema's complaints. Each target and alias is looked at by itself: a target is held against the schema of its own
 * provider, not against every provider's; and TypeBox stops after eight faults of one value.
 */
function shapeFaults (file: unknown): string[] {
  const lines: string[] = []
  const { targets: listed, models: named, ...rest }: JsonObject = isJsonObject(file) ? file : {}
  const targets: unknown[] = Array.isArray(listed) ? listed : []
  const models = isJsonObject(named) ? named : {}
  const branches = TargetConfig.anyOf
  targets.forEach((target: unknown, index) => {
    const at = `targets[${index}]`
    if (isJsonObject(target) && 'plugin' in target) return lines.push(...faultLines(PluginTarget, target, at))
    const provider = isJsonObject(target) ? target['provider'] : undefined
    const branch = branches.find(branch => branch.properties.provider.const === provider)
    if (branch === undefined) lines.push(`${PREFIX}: ${at}.provider: is none of ${branches.map(branch => branch.properties.provider.const).join(', ')}`)
    else lines.push(...faultLines(branch, target, at))
  })
  for (const [alias, model] of Object.entries(models)) lines.push(...faultLines(ModelConfig, model, `models.${alias}`))
  const outline = { ...rest, targets: Array.isArray(listed) ? targets.map(() => SOUND_TARGET) : listed, ...(isJsonObject(named) || named === undefined ? {} : { models: named }) }
  lines.push(...faultLines(GatewayConfigFile, isJsonObject(file) ? outline : file, ''))
  return [...new Set(lines)]
}

/** Stands for each target where the file around them is looked at. */
const SOUND_TARGET: TargetConfig = { name: 'sound', provider: 'openai', options: { model: 'any' } }

function faultLines (schema: TSchema, value: unknown, at: string): string[] {
  return Errors(schema, value)[1]
    .filter(({ keyword }) => keyword !== 'additionalProperties') // each of them is a fault of its own as well
    .map(({ instancePath, keyword, message }) => {
      const path = `${at}${dotted(instancePath)}`.replace(/^\./, '')
      return `${PREFIX}: ${path || 'the file'}: ${keyword === 'boolean' ? 'is not a known field' : message}`
    })
}

function dotted (pointer: string): string {
  return pointer.split('/').slice(1).map(step => /^\d+$/.test(step) ? `[${step}]` : `.${step}`).join('')
}

function referenceFaults ({ targets, models = {}, default: defaultModel }: GatewayConfigFile): string[] {
  const lines: string[] = []
  const names = new Set<string>()
  targets.forEach((target, index) => {
    const { name } = target
    const at = `${PREFIX}: targets[${index}]`
    if (names.has(name)) lines.push(`${at}.name: another target has this name`)
    names.add(name)
    if ('plugin' in target) return
    const { provider, options } = target
    if (provider === 'openai' && options.apiKey === undefined && options.baseURL === undefined) lines.push(`${at}.options.apiKey: is required without a baseURL`)
    for (const [option, url] of Object.entries(options)) {
      if ((option === 'baseURL' || option === 'endpoint') && !URL.canParse(url)) lines.push(`${at}.options.${option}: must be an http(s) URL`)
    }
  })
  for (const [alias, model] of Object.entries(models)) {
    if (alias === '') lines.push(`${PREFIX}: models: an alias is empty`)
    if (alias === 'auto') lines.push(`${PREFIX}: models.auto: "auto" means the default and cannot be an alias`)
    const seen = new Set<string>()
    model.targets.forEach((name, index) => {
      if (!names.has(name)) lines.push(`${PREFIX}: models.${alias}.targets[${index}]: there is no such target`)
      if (seen.has(name)) lines.push(`${PREFIX}: models.${alias}.targets[${index}]: stands there twice`)
      seen.add(name)
    })
    if (model.weights !== undefined) {
      if (model.balancing !== 'weighted' && model.balancing !== 'least_busy') lines.push(`${PREFIX}: models.${alias}.weights: only balancing "weighted" and "least_busy" use them`)
      for (const name of Object.keys(model.weights)) {
        if (!seen.has(name)) lines.push(`${PREFIX}: models.${alias}.weights.${name}: is none of its targets`)
      }
      if (model.balancing === 'least_busy' && Object.values(model.weights).includes(0)) lines.push(`${PREFIX}: models.${alias}.weights: must be above 0 for "least_busy"`)
    }
  }
  if (defaultModel !== undefined && !Object.hasOwn(models, defaultModel) && !names.has(defaultModel)) {
    lines.push(`${PREFIX}: default: there is no such model or target`)
  }
  return lines
}
