import { Ajv } from 'ajv'
import fp from 'fastify-plugin'
import type { FastifyPluginAsync } from 'fastify'
import type { Static, TObject } from 'typebox'
import type { Provider } from './provider.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Targets by name; each provider plugin adds the ones that it was registered for. */
    providers: Map<string, Provider>
  }
}

/** The options of a provider plugin: its own, and the name of the target. */
export type ProviderPluginOptions<Options> = Options & {
  /** The target's name. Default: the provider's kind. */
  readonly name?: string
}

/** A provider's options are wrong; the message names each field, and repeats no value. */
export class ProviderOptionsError extends Error {
  override readonly name = 'ProviderOptionsError'
  readonly code = 'PROVIDER_OPTIONS'
}

/** Not TypeBox's own check: Ajv is loaded anyway, for requests. Keeps what it has compiled. */
const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false })

/**
 * Makes the Fastify plugin of a kind of provider. Registered once for each target; the target is then
 * `fastify.providers.get(name)`, and is closed with the instance.
 *
 * The plugin throws {@link ProviderOptionsError} on wrong options, and where the name is taken.
 *
 * @param kind the protocol's name, as in the configuration
 * @param schema of the options
 * @param create makes the target; whatever it opens is closed by its `close`
 */
export function defineProvider<Schema extends TObject> (
  kind: string,
  schema: Schema,
  create: (options: Static<Schema>) => Promise<Provider>
): FastifyPluginAsync<ProviderPluginOptions<Static<Schema>>> {
  const plugin: FastifyPluginAsync<ProviderPluginOptions<Static<Schema>>> = async (fastify, { name = kind, ...rest }) => {
    const options: unknown = rest
    const isValid = ajv.compile<Static<Schema>>(schema)
    if (!isValid(options)) {
      const faults = (isValid.errors ?? []).map(({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.') || 'options'} ${message}`)
      throw new ProviderOptionsError(`provider ${kind} (target ${name}): ${[...new Set(faults)].join('; ')}`)
    }
    if (!fastify.hasDecorator('providers')) fastify.decorate('providers', new Map<string, Provider>())
    if (fastify.providers.has(name)) throw new ProviderOptionsError(`provider ${kind}: there is a target ${name} already`)
    const provider = await create(options)
    fastify.providers.set(name, provider)
    fastify.addHook('onClose', async () => {
      fastify.providers.delete(name)
      await provider.close()
    })
  }
  return fp(plugin, { name: `provider-${kind}`, fastify: '5.x' })
}
