import type { Environment } from '../schemas/environment.ts'
import { PROVIDER_KINDS } from '../schemas/gateway-config.ts'
import type { ProviderKind, TargetConfig } from '../schemas/gateway-config.ts'

/** The targets that single variables define, at most one of each kind of provider. */

/**
 * Which variables a kind of target has: any of `means` says that it is wanted; then all of `needs` must be there.
 * Those in `urls` must be URLs that can be parsed, which a schema's pattern cannot tell.
 */
const VARIABLES: Record<ProviderKind, Record<'means' | 'needs' | 'urls', ReadonlyArray<keyof Environment>>> = {
  'azure-apim': {
    means: ['AZURE_APIM_ENDPOINT', 'AZURE_APIM_DEPLOYMENT', 'AZURE_APIM_API_VERSION', 'AZURE_APIM_KEY'],
    needs: ['AZURE_APIM_ENDPOINT', 'AZURE_APIM_DEPLOYMENT', 'AZURE_APIM_API_VERSION', 'AZURE_APIM_KEY'],
    urls: ['AZURE_APIM_ENDPOINT']
  },
  'azure-openai': {
    means: ['AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_DEPLOYMENT', 'AZURE_OPENAI_API_VERSION', 'AZURE_OPENAI_API_KEY'],
    needs: ['AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_DEPLOYMENT', 'AZURE_OPENAI_API_VERSION', 'AZURE_OPENAI_API_KEY'],
    urls: ['AZURE_OPENAI_ENDPOINT']
  },
  openai: {
    means: ['OPENAI_BASE_URL', 'OPENAI_API_KEY', 'OPENAI_MODEL'],
    needs: ['OPENAI_MODEL'],
    urls: ['OPENAI_BASE_URL']
  },
  gemini: {
    means: ['GEMINI_BASE_URL', 'GEMINI_API_KEY', 'GEMINI_MODEL'],
    needs: ['GEMINI_API_KEY', 'GEMINI_MODEL'],
    urls: ['GEMINI_BASE_URL']
  },
  // AWS_REGION is set on many machines for other reasons.
  bedrock: { means: ['BEDROCK_MODEL_ID', 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME'], needs: ['BEDROCK_MODEL_ID', 'AWS_REGION'], urls: ['AWS_ENDPOINT_URL_BEDROCK_RUNTIME'] }
}

/** What the variables define, in the order of `PROVIDERS` or else of the contract, and the lines of all mistakes. */
export function targetsOfVariables (env: Environment): { targets: TargetConfig[], faults: string[] } {
  const faults: string[] = []
  const listed = env.PROVIDERS?.split(',').map(name => name.trim()).filter(name => name !== '')
  const order: ProviderKind[] = []
  listed?.forEach((name, index) => {
    const kind = PROVIDER_KINDS.find(kind => kind === name)
    if (kind === undefined) faults.push(`PROVIDERS: name ${index + 1} is none of ${PROVIDER_KINDS.join(', ')}`)
    else if (order.includes(kind)) faults.push(`PROVIDERS: "${kind}" stands there twice`)
    else order.push(kind)
  })
  const targets: TargetConfig[] = []
  for (const kind of listed === undefined ? PROVIDER_KINDS : order) {
    const wanted = listed !== undefined || isSet(env, kind)
    if (!wanted) continue
    const missing = missingOf(env, kind)
    const unusable = VARIABLES[kind].urls.filter(name => env[name] !== undefined && !URL.canParse(String(env[name])))
    faults.push(...missing.map(name => `${name}: is missing; the ${kind} target needs it`), ...unusable.map(name => `${name}: must be an http(s) URL`))
    const target = missing.length + unusable.length === 0 ? targetOf(env, kind) : undefined
    if (target !== undefined) targets.push(target)
  }
  return { targets, faults }
}

function isSet (env: Environment, kind: ProviderKind): boolean {
  return VARIABLES[kind].means.some(name => env[name] !== undefined)
}

function missingOf (env: Environment, kind: ProviderKind): string[] {
  const missing: string[] = VARIABLES[kind].needs.filter(name => env[name] === undefined)
  if (kind === 'openai' && env.OPENAI_API_KEY === undefined && env.OPENAI_BASE_URL === undefined) missing.push('OPENAI_API_KEY')
  return missing
}

function targetOf (env: Environment, kind: ProviderKind): TargetConfig {
  const text = (name: keyof Environment): string => String(env[name])
  switch (kind) {
    case 'azure-apim':
      return { name: kind, provider: kind, options: { endpoint: text('AZURE_APIM_ENDPOINT'), deployment: text('AZURE_APIM_DEPLOYMENT'), apiVersion: text('AZURE_APIM_API_VERSION'), apiKey: text('AZURE_APIM_KEY') } }
    case 'azure-openai':
      return { name: kind, provider: kind, options: { endpoint: text('AZURE_OPENAI_ENDPOINT'), deployment: text('AZURE_OPENAI_DEPLOYMENT'), apiVersion: text('AZURE_OPENAI_API_VERSION'), apiKey: text('AZURE_OPENAI_API_KEY') } }
    case 'openai':
      return { name: kind, provider: kind, options: { ...optional('baseURL', env.OPENAI_BASE_URL), ...optional('apiKey', env.OPENAI_API_KEY), model: text('OPENAI_MODEL') } }
    case 'gemini':
      return { name: kind, provider: kind, options: { ...optional('baseURL', env.GEMINI_BASE_URL), apiKey: text('GEMINI_API_KEY'), model: text('GEMINI_MODEL') } }
    case 'bedrock':
      return { name: kind, provider: kind, options: { modelId: text('BEDROCK_MODEL_ID'), region: text('AWS_REGION'), ...optional('endpoint', env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME) } }
  }
}

function optional<Key extends string> (key: Key, value: string | undefined): { [K in Key]?: string } {
  const object: { [K in Key]?: string } = {}
  if (value !== undefined) object[key] = value
  return object
}
