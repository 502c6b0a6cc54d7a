import type { GatewayConfig } from './gateway-config.ts'

/** What of a configuration has no default, and what may be given otherwise. */
export type GivenConfig = Pick<GatewayConfig, 'targets'> & { readonly [Setting in Exclude<keyof GatewayConfig, 'targets'>]?: GatewayConfig[Setting] | undefined }

/** What the variables' defaults make; of what the process itself does (its port, workers, log level) a host makes no use. */
const DEFAULTS: Omit<GatewayConfig, 'targets'> = {
  host: '0.0.0.0',
  port: 3000,
  workers: 1,
  logLevel: 'info',
  database: { url: undefined, dataDir: '.data' },
  models: {},
  defaultModel: undefined,
  strictModels: false,
  queueCapacity: 100,
  timeouts: { firstTokenMs: 10_000, idleMs: 10_000, requestMs: 600_000 },
  midstreamFailover: 'off',
  resumeTtlMs: 60_000,
  keepAliveTimeoutMs: 72_000,
  slowClientTimeoutMs: 60_000,
  overload: { maxRunning: 5_000, maxWaiting: 500, maxWaitMs: 5_000, maxEventLoopDelayMs: 1_000 },
  streamLogKeys: [],
  apiKeys: [],
  adminApiKeys: [],
  shutdownGraceMs: 120_000,
  tracing: undefined
}

/** A configuration made by hand: what is not given is as without the variable for it. */
export function gatewayConfig (given: GivenConfig): GatewayConfig {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...DEFAULTS, ...set, targets: given.targets }
}
