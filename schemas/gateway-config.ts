import { Type } from 'typebox'
import type { Static } from 'typebox'
import { AzureOptions, BedrockOptions, GeminiOptions, OpenAIOptions } from './provider-options.ts'

/** The file that `GATEWAY_CONFIG` names: several targets, model aliases, and settings for each alias. */

/** A name that can stand before the slash of `target/model`, and in a URL. */
const TargetName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', description: 'letters, digits, ".", "_" and "-"' })
const Milliseconds = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })

const Target = <Kind extends string, Options extends Type.TObject>(provider: Kind, options: Options) =>
  Type.Object({ name: TargetName, provider: Type.Literal(provider), options }, { additionalProperties: false })

/** One target: a name, the kind of provider, and that provider's options. */
export const TargetConfig = Type.Union([
  Target('azure-apim', AzureOptions),
  Target('azure-openai', AzureOptions),
  Target('openai', OpenAIOptions),
  Target('gemini', GeminiOptions),
  Target('bedrock', BedrockOptions)
])
export type TargetConfig = Static<typeof TargetConfig>

/** A target of a provider that is not in this package. */
export const PluginTarget = Type.Object({
  name: TargetName,
  plugin: Type.String({ minLength: 1, description: 'A module whose default export is a provider\'s plugin: a package, or a path from this file\'s folder that begins with a dot.' }),
  options: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'Checked by the plugin.' }))
}, { additionalProperties: false })
export type PluginTarget = Static<typeof PluginTarget>

/** The kinds of provider, in the failover order of targets that the variables define. */
export const PROVIDER_KINDS = ['azure-apim', 'azure-openai', 'openai', 'gemini', 'bedrock'] as const satisfies ReadonlyArray<TargetConfig['provider']>
export type ProviderKind = typeof PROVIDER_KINDS[number]

/** What becomes of a stream that breaks in the middle of its answer. */
export const MidstreamFailover = Type.Union([Type.Literal('off'), Type.Literal('continue')], {
  default: 'off', description: 'What becomes of a stream that breaks in the middle: `off` ends it with an error, `continue` has another target carry its text on.'
})
export type MidstreamFailover = Static<typeof MidstreamFailover>

/** How an alias orders its targets for a request: as listed, by chance, by their load, or by how soon they answer. */
export const BalancingKind = Type.Union([Type.Literal('order'), Type.Literal('weighted'), Type.Literal('least_busy'), Type.Literal('fastest')])
export type BalancingKind = Static<typeof BalancingKind>

/** An alias: which targets it tries in which order, and what it sets otherwise than the variables. */
export const ModelConfig = Type.Object({
  targets: Type.Array(Type.String(), { minItems: 1 }),
  firstTokenTimeoutMs: Type.Optional(Milliseconds),
  idleTimeoutMs: Type.Optional(Milliseconds),
  requestTimeoutMs: Type.Optional(Milliseconds),
  midstreamFailover: Type.Optional(MidstreamFailover),
  balancing: Type.Optional(BalancingKind),
  weights: Type.Optional(Type.Record(Type.String(), Type.Number({ minimum: 0 }), { description: 'By target, 1 where it is not named; for `weighted` and `least_busy`.' })),
  hedging: Type.Optional(Type.Boolean({ default: false, description: 'Whether a streamed request that takes longer to begin than 95 of 100 did is given to a second target as well.' })),
  resumable: Type.Optional(Type.Boolean({ default: false, description: 'Whether streams can be joined again after a lost connection; their answers are kept for RESUME_TTL_MS.' }))
}, { additionalProperties: false })
export type ModelConfig = Static<typeof ModelConfig>

export const GatewayConfigFile = Type.Object({
  $schema: Type.Optional(Type.String()),
  targets: Type.Array(Type.Union([TargetConfig, PluginTarget]), { minItems: 1 }),
  models: Type.Optional(Type.Record(Type.String({ minLength: 1 }), ModelConfig)),
  default: Type.Optional(Type.String())
}, { $id: 'gateway-config', additionalProperties: false, description: 'The configuration file of the gateway.' })
export type GatewayConfigFile = Static<typeof GatewayConfigFile>
