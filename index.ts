/**
 * The package: the whole gateway as one Fastify plugin. Its parts are exported by themselves, each under a path of its own;
 * docs/plugins.md has them.
 */
export { default } from './app.ts'
export type { GatewayOptions } from './app.ts'
export { gatewayConfig } from './config/defaults.ts'
export type { GivenConfig } from './config/defaults.ts'
export { ConfigurationError } from './config/gateway-config.ts'
export type { GatewayConfig } from './config/gateway-config.ts'
export { DatabaseUnavailableError } from './db/unavailable.ts'
export { GatewayError } from './errors/gateway-error.ts'
export { MissingPackageError } from './errors/missing-package.ts'
export type { ProviderPlugin, ProviderPlugins } from './providers/plugin-target.ts'
export type { ModelConfig, PluginTarget, TargetConfig } from './schemas/gateway-config.ts'
