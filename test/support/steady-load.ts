/**
 * Requests to gateways at a steady pace, whatever becomes of the earlier ones, and what came of each.
 *
 *     const load = new SteadyLoad(gateways.map(({ url }) => url), 10)
 *     await load.answered(200)
 *     load.phase = 'frozen'
 *     …
 *     await load.stop()
 *     load.failures      // what was not answered well, in words
 *     load.times('frozen')
 */
import { contentOf, framesOf } from './chat-client.ts'
import { until } from './gateway-process.ts'

const TRIES = 6_000

export class SteadyLoad {
  /** What the requests that begin now belong to. */
  phase = 'before'
  readonly failures: string[] = []
  readonly #urls: readonly string[]
  readonly #timer: NodeJS.Timeout
  readonly #times = new Map<string, number[]>()
  readonly #underWay = new Set<Promise<void>>()
  #sent = 0
  #answered = 0

  /** @param everyMs the gateways are asked in turn, every other time for a stream */
  constructor (urls: readonly string[], everyMs: number) {
    this.#urls = urls
    this.#timer = setInterval(() => {
      const asked = this.#ask(this.#urls[this.#sent % this.#urls.length] ?? '', this.#sent % 3 === 0).finally(() => this.#underWay.delete(asked))
      this.#underWay.add(asked)
      this.#sent++
    }, everyMs)
  }

  get sent (): number { return this.#sent }

  /** Waits for so many more answers. */
  async answered (count: number): Promise<void> {
    const enough = this.#answered + count
    await until(`${count} answers`, () => this.#answered >= enough, TRIES)
  }

  /** Sends no more, and waits for those that are under way. */
  async stop (): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
  }

  /** How long those of a phase took, to the last byte, in ms, in words: how many, p50 and p99. */
  times (phase: string): string {
    const sorted = (this.#times.get(phase) ?? []).toSorted((a, b) => a - b)
    const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1)
    return `${phase}: ${sorted.length} requests, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`
  }

  async #ask (url: string, stream: boolean): Promise<void> {
    const { phase } = this
    const begun = performance.now()
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], stream })
      })
      if (response.status !== 200) this.failures.push(`${phase}: ${response.status} ${await response.text()}`)
      else if (!stream) await response.json()
      else if (contentOf(await framesOf(response)) === '') this.failures.push(`${phase}: an empty stream`)
    } catch (error) {
      this.failures.push(`${phase}: ${String(error)}`)
    }
    this.#answered++
    const times = this.#times.get(phase) ?? []
    times.push(performance.now() - begun)
    this.#times.set(phase, times)
  }
}
