import type { Environment } from '../schemas/environment.ts'

/** Which share of the traces is kept; `parentBased`: what the caller has decided counts before it. */
export interface Sampling {
  readonly parentBased: boolean
  /** From 0 to 1. */
  readonly ratio: number
}

/** Where traces go. Holds secrets: never log it. */
export interface TracingConfig {
  /** The whole URL that spans are sent to. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Attributes of the resource, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>
  readonly sampling: Sampling
}

/** Where OTLP over HTTP takes traces, below the endpoint. */
const TRACES_PATH = 'v1/traces'
const DEFAULT_SERVICE = 'llm-stream-gateway'

/**
 * What OpenTelemetry's variables say, and the lines of all mistakes; undefined where there is no endpoint, or it is switched off.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function tracingOf (env: Environment): { readonly tracing: TracingConfig | undefined, readonly faults: readonly string[] } {
  const faults: string[] = []
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT
  const pairs = (name: 'OTEL_EXPORTER_OTLP_HEADERS' | 'OTEL_RESOURCE_ATTRIBUTES', isValid: (value: string) => boolean): Record<string, string> => {
    const decoded = decodedPairs(env[name] ?? '')
    if (decoded !== undefined && Object.values(decoded).every(isValid)) return decoded
    faults.push(`${name}: must be name=value pairs, separated by commas, with percent-encoded values`)
    return {}
  }
  const headers = pairs('OTEL_EXPORTER_OTLP_HEADERS', value => /^[\x20-\x7e]*$/.test(value))
  const resource = pairs('OTEL_RESOURCE_ATTRIBUTES', () => true)
  if (endpoint !== undefined && !URL.canParse(endpoint)) faults.push('OTEL_EXPORTER_OTLP_ENDPOINT: must be an http(s) URL')
  if (endpoint === undefined || env.OTEL_SDK_DISABLED || faults.length > 0) return { tracing: undefined, faults }
  return {
    tracing: {
      url: `${endpoint.replace(/\/+$/, '')}/${TRACES_PATH}`,
      headers,
      resource: { 'service.name': DEFAULT_SERVICE, ...resource, ...env.OTEL_SERVICE_NAME === undefined ? {} : { 'service.name': env.OTEL_SERVICE_NAME } },
      sampling: samplingOf(env)
    },
    faults
  }
}

function samplingOf ({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio }: Environment): Sampling {
  const [, parent, kind] = /^(parentbased_)?(.*)$/.exec(sampler) ?? []
  return { parentBased: parent !== undefined, ratio: kind === 'always_off' ? 0 : kind === 'always_on' ? 1 : ratio }
}

/** `a=1,b=2`, with percent-encoded values; undefined: it is none of that. */
function decodedPairs (text: string): Record<string, string> | undefined {
  const pairs: Record<string, string> = {}
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue
    const [, name, value] = /^\s*([\w!#$%&'*+.^`|~/-]+)\s*=(.*)$/s.exec(pair) ?? []
    if (name === undefined || value === undefined) return undefined
    try {
      pairs[name] = decodeURIComponent(value.trim())
    } catch {
      return undefined
    }
  }
  return pairs
}
