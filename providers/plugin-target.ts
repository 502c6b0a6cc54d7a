import type { FastifyInstance } from 'fastify'
import type { JsonObject } from '../schemas/json-object.ts'
import type { PluginTarget } from '../schemas/gateway-config.ts'
import type { ProviderPluginOptions } from './define-provider.ts'
import { ProviderPluginError } from './plugin-error.ts'

/**
 * What `defineProvider` makes, for whatever options: each plugin checks its own. Written as a method, which takes plugins of
 * narrower options as well.
 */
export type ProviderPlugin = { plugin (fastify: FastifyInstance, options: ProviderPluginOptions<JsonObject>): Promise<void> }['plugin']

/** Plugins by the name that targets have for them. */
export type ProviderPlugins = Readonly<Record<string, ProviderPlugin>>

/**
 * Registers the plugin of a target whose provider is not in this package: one that was handed over, or the default export of
 * the module that it names.
 * @throws {ProviderPluginError}
 */
export async function registerPlugin (fastify: FastifyInstance, { name, plugin: named, options = {} }: PluginTarget, plugins: ProviderPlugins): Promise<void> {
  const plugin = Object.hasOwn(plugins, named) ? plugins[named] : await defaultExportOf(named, name)
  if (!isPlugin(plugin)) throw new ProviderPluginError(`target ${name}: the default export of its plugin is no Fastify plugin`)
  await fastify.register(plugin, { ...options, name })
  if (!fastify.hasDecorator('providers') || !fastify.providers.has(name)) throw new ProviderPluginError(`target ${name}: its plugin adds no provider of this name; is it made by defineProvider?`)
}

async function defaultExportOf (specifier: string, target: string): Promise<unknown> {
  try {
    const module: { readonly default?: unknown } = await import(specifier)
    return module.default
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown error'
    throw new ProviderPluginError(`target ${target}: its plugin cannot be loaded (${code})`, { cause: error })
  }
}

function isPlugin (value: unknown): value is ProviderPlugin {
  return typeof value === 'function'
}
