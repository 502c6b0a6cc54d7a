/**
 * What balancing knows of the targets: how many attempts each has under way, and how soon each begins to answer. Of this
 * process alone; what other replicas send is not known here.
 */
export class TargetLoad {
  readonly #now: () => number
  readonly #targets = new Map<string, Load>()

  /** @param now monotonic clock, ms */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Attempts under way. */
  busy (target: string): number {
    return this.#targets.get(target)?.busy ?? 0
  }

  /**
   * Time to the first output, in ms: a mean in which what is older than some 30 s counts little. It also fades while nothing
   * comes, so that a target that was slow is tried again one day; 0 for one that nothing is known of.
   */
  firstOutputMs (target: string): number {
    const load = this.#targets.get(target)
    return load === undefined ? 0 : load.meanMs * fading(this.#now() - load.measuredAt)
  }

  begun (target: string): void {
    this.#of(target).busy++
  }

  ended (target: string): void {
    this.#of(target).busy--
  }

  /** Output has begun, so many ms after the attempt. */
  answered (target: string, ms: number): void {
    const load = this.#of(target)
    const now = this.#now()
    const kept = load.measuredAt === -Infinity ? 0 : fading(now - load.measuredAt) * KEPT
    load.meanMs = load.meanMs * kept + ms * (1 - kept)
    load.measuredAt = now
  }

  #of (target: string): Load {
    let load = this.#targets.get(target)
    if (load === undefined) this.#targets.set(target, load = { busy: 0, meanMs: 0, measuredAt: -Infinity })
    return load
  }
}

interface Load {
  busy: number
  meanMs: number
  measuredAt: number
}

/** What of a mean stays when the next measurement comes at once. */
const KEPT = 0.8
const FADES_MS = 30_000

function fading (ms: number): number {
  return Math.exp(-ms / FADES_MS)
}
