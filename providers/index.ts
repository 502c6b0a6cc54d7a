import type { FastifyInstance } from 'fastify'
import type { PluginTarget, TargetConfig } from '../schemas/gateway-config.ts'
import { registerPlugin } from './plugin-target.ts'
import type { ProviderPlugins } from './plugin-target.ts'

/**
 * Registers the plugin of a target's provider. Each kind is imported when it is first configured, since the vendors'
 * SDKs cost up to a second and 100 MB. A new provider is one file, the schema of its options, and a line here; or a plugin
 * of somebody else's, which needs neither.
 * @param plugins of other providers than the gateway's own, by the name that targets have for them
 */
export async function registerProvider (fastify: FastifyInstance, target: TargetConfig | PluginTarget, plugins: ProviderPlugins = {}): Promise<void> {
  if ('plugin' in target) return await registerPlugin(fastify, target, plugins)
  const { name } = target
  switch (target.provider) {
    case 'azure-apim': await fastify.register((await import('./azure-apim.ts')).default, { name, ...target.options }); break
    case 'azure-openai': await fastify.register((await import('./azure-openai.ts')).default, { name, ...target.options }); break
    case 'openai': await fastify.register((await import('./openai.ts')).default, { name, ...target.options }); break
    case 'gemini': await fastify.register((await import('./gemini.ts')).default, { name, ...target.options }); break
    case 'bedrock': await fastify.register((await import('./bedrock.ts')).default, { name, ...target.options }); break
  }
}
