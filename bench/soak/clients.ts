import { Agent, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { frameOf, framesOf, scrambled } from './answers.ts'
import type { AnswerPlan } from './answers.ts'

/** What a client does. */
export type Conduct =
  /** Reads to the end. */
  | 'reads'
  /** The same, of a stream that could be joined again. */
  | 'reads_resumable'
  /** Loses its connection now and then, and joins the stream again. */
  | 'rejoins'
  /** Leaves in the middle for good. */
  | 'leaves'

export interface SoakOptions {
  /** Where the gateway listens. */
  readonly url: string
  /** Streams that are open at any time. */
  readonly streams: number
  /** The length of an answer of this seed in texts, and the time between two of them in ms. */
  readonly plan: (seed: number) => AnswerPlan
}

/** What came of all streams. */
export interface SoakTally {
  /** Streams by what their clients did, as far as they have ended as they should. */
  readonly ended: Readonly<Record<Conduct, number>>
  readonly frames: number
  readonly rejoined: number
  /** How often a client was told to come again, as the process or its database was too slow (503, or in the stream); it did. */
  readonly putOff: number
  /** What was not as it has to be: a frame missing, twice or different, a stream that broke. The first few, in words. */
  readonly faults: readonly string[]
  readonly faultCount: number
}

const MAX_FAULTS_TOLD = 20
/** A client that lost its connection comes back after so long at the most, in ms. */
const MAX_AWAY_MS = 3_000
const JOINS_AT_MOST = 3
/** Who is told to come again (503) does so this often at the most, after so long (ms). */
const ASKS_AT_MOST = 5
const ASK_AGAIN_MS = 1_000
/** The same in a stream that has begun: a last frame without an id, which is none of the stream. */
const COME_AGAIN = /^data: \{"error":\{[^\n]*"code":"stream_log_unavailable"[^\n]*\}\n\n$/

function conductOf (seed: number): Conduct {
  const share = scrambled(seed * 3 + 1) % 100
  return share < 65 ? 'reads' : share < 80 ? 'reads_resumable' : share < 92 ? 'rejoins' : 'leaves'
}

/** Clients that keep a number of streams open, and check each frame. */
export class SoakClients {
  readonly #options: SoakOptions
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 256 })
  readonly #ended: Record<Conduct, number> = { reads: 0, reads_resumable: 0, rejoins: 0, leaves: 0 }
  readonly #faults: string[] = []
  #faultCount = 0
  #frames = 0
  #rejoined = 0
  #putOff = 0
  #seed = 0
  #open = 0
  #over = false
  #allEnded = Promise.withResolvers<void>()

  constructor (options: SoakOptions) {
    this.#options = options
  }

  /** Streams that are open now. */
  get open (): number { return this.#open }

  get tally (): SoakTally {
    return { ended: { ...this.#ended }, frames: this.#frames, rejoined: this.#rejoined, putOff: this.#putOff, faults: this.#faults, faultCount: this.#faultCount }
  }

  /** Opens the streams, evenly over this time. */
  async start (overMs: number): Promise<void> {
    const { streams } = this.#options
    const begun = performance.now()
    for (let n = 0; n < streams; n++) {
      const waitMs = begun + n * overMs / streams - performance.now()
      if (waitMs > 1) await delay(waitMs)
      void this.#again()
    }
  }

  /** Opens no more, and waits until all have ended. */
  async finish (): Promise<SoakTally> {
    this.#over = true
    if (this.#open > 0) await this.#allEnded.promise
    this.#agent.destroy()
    return this.tally
  }

  /** One stream after another. */
  async #again (): Promise<void> {
    while (!this.#over) {
      const plan = this.#options.plan(this.#seed++)
      const conduct = conductOf(plan.seed)
      this.#open++
      try {
        await this.#stream(plan, conduct)
        this.#ended[conduct]++
      } catch (error) {
        this.#faultCount++
        if (this.#faults.length < MAX_FAULTS_TOLD) this.#faults.push(`stream ${plan.seed} (${conduct}): ${error instanceof Error ? error.message : String(error)}`)
        await delay(1_000)
      }
      this.#open--
    }
    if (this.#open === 0) this.#allEnded.resolve()
  }

  async #stream (plan: AnswerPlan, conduct: Conduct): Promise<void> {
    const all = framesOf(plan)
    const cuts = conduct === 'rejoins' ? 1 + scrambled(plan.seed + 7) % JOINS_AT_MOST : conduct === 'leaves' ? 1 : 0
    let id = ''
    let read = 0
    let cut = 0
    for (let putOff = 0; ;) {
      const until = cut < cuts ? read + 1 + scrambled(plan.seed + 11 * (cut + 1)) % Math.max(1, all - read - 1) : all
      const response = await this.#ask(plan, conduct, id, read)
      const { statusCode, headers } = response
      if (statusCode === 200) {
        id = String(headers['x-gateway-stream-id'])
        const before = read
        read = await this.#readFrames(response, plan, read, until)
        if (read === all) return
        if (read === until) {
          if (conduct === 'leaves') return
          this.#rejoined++
          cut++
          await delay(scrambled(plan.seed + cut) % MAX_AWAY_MS)
          continue
        }
        if (id === '' || conduct === 'reads' || conduct === 'leaves') throw new Error(`ended after frame ${read} of ${all}`)
        if (read > before) putOff = 0
      } else if (statusCode !== 503) throw new Error(`status ${statusCode}${id === '' ? '' : ' for a stream to be joined'}`)
      // Told to come again: so it does, and goes on from what it has.
      if (++putOff === ASKS_AT_MOST) throw new Error(`told to come again ${ASKS_AT_MOST} times, after frame ${read} of ${all}`)
      this.#putOff++
      await delay(ASK_AGAIN_MS)
    }
  }

  async #ask (plan: AnswerPlan, conduct: Conduct, id: string, after: number): Promise<IncomingMessage> {
    const { url } = this.#options
    const join = id !== ''
    return await new Promise((resolve, reject) => {
      const headers: Record<string, string> = join ? { 'last-event-id': String(after) } : { 'content-type': 'application/json' }
      if (!join && (conduct === 'rejoins' || conduct === 'reads_resumable')) headers['x-gateway-resumable'] = 'true'
      const asked = httpRequest(join ? `${url}/v1/streams/${id}` : `${url}/v1/chat/completions`, { method: join ? 'GET' : 'POST', agent: this.#agent, headers })
      asked.on('error', reject)
      asked.on('response', response => {
        if (response.statusCode !== 200) response.resume()
        resolve(response)
      })
      asked.end(join ? undefined : JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: JSON.stringify(plan) }] }))
    })
  }

  /** Reads and checks frames from the one after `read` on; leaves after the frame `until`. Gives the number of the last one. */
  async #readFrames (response: IncomingMessage, plan: AnswerPlan, read: number, until: number): Promise<number> {
    const all = framesOf(plan)
    return await new Promise((resolve, reject) => {
      let rest = ''
      const fail = (why: string) => {
        response.destroy()
        reject(new Error(why))
      }
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        rest += piece
        for (let end = rest.indexOf('\n\n'); end !== -1 && read < until; end = rest.indexOf('\n\n')) {
          const frame = rest.slice(0, end + 2)
          rest = rest.slice(end + 2)
          if (frame.startsWith(':') || COME_AGAIN.test(frame)) continue
          if (read === all) return fail(`there was more after its end: ${JSON.stringify(frame)}`)
          if (frame !== frameOf(plan, read + 1)) return fail(`frame ${read + 1} of ${all} was ${JSON.stringify(frame)}`)
          read++
          this.#frames++
        }
        if (read === until && until < all) {
          response.destroy()
          resolve(read)
        }
      })
      response.on('end', () => {
        if (rest === '') resolve(read)
        else reject(new Error(`${JSON.stringify(rest)} after frame ${read}`))
      })
      response.on('error', error => reject(new Error(`${error.message} after frame ${read} of ${all}`)))
    })
  }
}
