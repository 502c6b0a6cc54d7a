import type { MidstreamFailover, ModelConfig } from '../schemas/gateway-config.ts'
import type { Balancing } from './balancing.ts'

/** One target to try, and the model to ask it for where that is not its own. */
export interface TargetRef {
  readonly name: string
  readonly model: string | undefined
}

/** What a request's `model` means: which targets in which order, and how long each may take. Times in ms. */
export interface ModelRoute {
  readonly targets: readonly TargetRef[]
  readonly firstTokenTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly midstreamFailover: MidstreamFailover
  readonly balancing: Balancing
  /** Whether a stream that takes unusually long to begin is asked of a second target as well. */
  readonly hedging: boolean
  /** Whether streams can be joined again without being asked for. */
  readonly resumable: boolean
}

export interface ModelRoutesOptions {
  /** All targets, in failover order. */
  readonly targets: readonly string[]
  readonly models?: Readonly<Record<string, ModelConfig>> | undefined
  /** An alias or a target; undefined: all targets. */
  readonly defaultModel?: string | undefined
  /** Whether an unknown model is an error; otherwise it means all targets. */
  readonly strict?: boolean | undefined
  readonly firstTokenTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly midstreamFailover?: MidstreamFailover | undefined
}

type Settings = Omit<ModelRoute, 'targets'>

/** How the names that requests use map to targets. */
export class ModelRoutes {
  /** Every alias and every target: what `GET /v1/models` lists. */
  readonly names: readonly string[]
  readonly #aliases = new Map<string, ModelRoute>()
  readonly #targets: ReadonlySet<string>
  readonly #all: ModelRoute
  readonly #default: ModelRoute
  readonly #strict: boolean
  readonly #settings: Settings

  constructor ({ targets, models = {}, defaultModel, strict = false, midstreamFailover = 'off', ...timeouts }: ModelRoutesOptions) {
    this.#settings = { ...timeouts, midstreamFailover, balancing: { kind: 'order' }, hedging: false, resumable: false }
    this.#targets = new Set(targets)
    this.#all = this.#route(targets, {})
    for (const [alias, { targets, balancing, weights, ...own }] of Object.entries(models)) {
      this.#aliases.set(alias, this.#route(targets, { ...own, balancing: balancingOf(balancing, weights) }))
    }
    this.#strict = strict
    this.#default = (defaultModel === undefined ? undefined : this.#named(defaultModel)) ?? this.#all
    this.names = [...new Set([...this.#aliases.keys(), ...targets])]
  }

  /**
   * In this order: an alias; a target; `target/model`, which asks that target for another model. A missing model or
   * `"auto"` is the default. Undefined: there is no such model.
   */
  resolve (model: string | null | undefined): ModelRoute | undefined {
    if (model === undefined || model === null || model === '' || model === 'auto') return this.#default
    return this.#named(model) ?? this.#ofTarget(model) ?? (this.#strict ? undefined : this.#all)
  }

  /** All that `nameOf` gives. */
  get labels (): readonly string[] { return [...new Set([...this.names, 'auto', 'other'])] }

  /** A name for a request's model where names have to be few: an alias, a target, `auto`, or `other` for all else. */
  nameOf (model: string | null | undefined): string {
    if (model === undefined || model === null || model === '' || model === 'auto') return 'auto'
    return this.#aliases.has(model) || this.#targets.has(model) ? model : 'other'
  }

  #named (name: string): ModelRoute | undefined {
    return this.#aliases.get(name) ?? (this.#targets.has(name) ? this.#route([name], {}) : undefined)
  }

  #ofTarget (name: string): ModelRoute | undefined {
    const slash = name.indexOf('/')
    const target = name.slice(0, slash)
    const model = name.slice(slash + 1)
    if (slash < 1 || !fitsIntoUrl(model) || !this.#targets.has(target)) return undefined
    return { ...this.#settings, targets: [{ name: target, model }] }
  }

  #route (targets: readonly string[], own: Partial<Settings>): ModelRoute {
    return { ...this.#settings, ...own, targets: targets.map(name => ({ name, model: undefined })) }
  }
}

function balancingOf (kind: Balancing['kind'] = 'order', weights: Readonly<Record<string, number>> = {}): Balancing {
  return kind === 'weighted' || kind === 'least_busy' ? { kind, weights: new Map(Object.entries(weights)) } : { kind }
}

/** Some providers have the model in their URL's path: half a surrogate pair fits into none, and dots would be steps in it. */
function fitsIntoUrl (model: string): boolean {
  return model !== '' && model !== '.' && model !== '..' && model.isWellFormed()
}
