import type { FastifyInstance } from 'fastify'
import type { TargetConfig } from '../schemas/gateway-config.ts'

/**
 * Registers the plugin of a target's provider. Each kind is imported when it is first configured, since the vendors'
 * SDKs cost up to a second and 100 MB. A new provider is one file, the schema of its options, and a line here.
 */
export async function registerProvider (fastify: FastifyInstance, target: TargetConfig): Promise<void> {
  const { name } = target
  switch (target.provider) {
    case 'azure-apim': await fastify.register((await import('./azure-apim.ts')).default, { name, ...target.options }); break
    case 'azure-openai': await fastify.register((await import('./azure-openai.ts')).default, { name, ...target.options }); break
    case 'openai': await fastify.register((await import('./openai.ts')).default, { name, ...target.options }); break
    case 'gemini': await fastify.register((await import('./gemini.ts')).default, { name, ...target.options }); break
    case 'bedrock': await fastify.register((await import('./bedrock.ts')).default, { name, ...target.options }); break
  }
}
