import type { MidstreamFailover, ModelConfig, PluginTarget, TargetConfig } from '../schemas/gateway-config.ts'
import type { TracingConfig } from './tracing.ts'

/** Everything that the gateway is told, checked and with defaults filled in. Holds secrets: never log it. */
export interface GatewayConfig {
  readonly host: string
  readonly port: number
  /** How many processes share the port; 1: a single one, with nothing beside it. */
  readonly workers: number
  readonly logLevel: string
  readonly database: { readonly url: string | undefined, readonly dataDir: string }
  /** In failover order. */
  readonly targets: ReadonlyArray<TargetConfig | PluginTarget>
  readonly models: Readonly<Record<string, ModelConfig>>
  /** What a missing or `"auto"` model means: an alias or a target; undefined: all targets in order. */
  readonly defaultModel: string | undefined
  /** Whether a model that matches nothing is an error; otherwise it means all targets. */
  readonly strictModels: boolean
  readonly queueCapacity: number
  readonly timeouts: { readonly firstTokenMs: number, readonly idleMs: number, readonly requestMs: number }
  readonly midstreamFailover: MidstreamFailover
  readonly resumeTtlMs: number
  /** How long an idle connection of a client is kept. */
  readonly keepAliveTimeoutMs: number
  readonly slowClientTimeoutMs: number
  /** What one process takes on; times in ms. */
  readonly overload: { readonly maxRunning: number, readonly maxWaiting: number, readonly maxWaitMs: number, readonly maxEventLoopDelayMs: number }
  /** AES-256 keys, in hex; the first one seals. Empty: frames are stored as they are. */
  readonly streamLogKeys: readonly string[]
  /** SHA-256 digests in lower-case hex; empty: open to everyone. */
  readonly apiKeys: readonly string[]
  /** Likewise; empty: admin routes are closed. */
  readonly adminApiKeys: readonly string[]
  readonly shutdownGraceMs: number
  /** Where traces go; undefined: there are none. */
  readonly tracing: TracingConfig | undefined
}

/** The configuration is wrong. One line for each mistake, each naming its variable; no line repeats a value. */
export class ConfigurationError extends Error {
  override readonly name: string = 'ConfigurationError'
  readonly code = 'CONFIGURATION'
  readonly lines: readonly string[]

  constructor (lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** There is no target at all; the lines say what to set. */
export class NothingConfiguredError extends ConfigurationError {
  override readonly name = 'NothingConfiguredError'
}
