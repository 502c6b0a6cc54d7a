import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { ModelRoutes } from '../failover/model-routes.ts'
import type { ModelRoutesOptions } from '../failover/model-routes.ts'
import { registerProvider } from '../providers/index.ts'
import type { ProviderPlugins } from '../providers/plugin-target.ts'
import type { PluginTarget, TargetConfig } from '../schemas/gateway-config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What the names in requests mean. */
    models: ModelRoutes
  }
}

/** The targets in failover order, and how models map to them; times in ms. */
export interface TargetsOptions extends Omit<ModelRoutesOptions, 'targets'> {
  readonly targets: ReadonlyArray<TargetConfig | PluginTarget>
  /** Of targets with a `plugin`: those that need not be imported, by the name that the targets have for them. */
  readonly providers?: ProviderPlugins | undefined
}

/** Registers the provider of each target, gives each a breaker, and decorates `fastify.models`. */
const targets: FastifyPluginAsync<TargetsOptions> = async (fastify, { targets, providers, ...options }) => {
  for (const target of targets) {
    await registerProvider(fastify, target, providers)
    fastify.breakers.add(target.name)
  }
  fastify.decorate('models', new ModelRoutes({ ...options, targets: targets.map(({ name }) => name) }))
}

export default fp(targets, { name: 'targets', fastify: '5.x', dependencies: ['circuit-breaker'] })
