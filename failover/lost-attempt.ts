import type { AttemptRecord } from '../breaker/attempt.ts'
import { classOf } from '../breaker/outcome.ts'
import { objectOf } from '../schemas/json-object.ts'
import { outputTextOf } from '../streams/chunk-facts.ts'
import { OutputTally } from '../streams/output-tally.ts'
import { promptTokens } from '../usage/prompt-tokens.ts'
import type { KeptRequest } from './kept-request.ts'
import type { Speaker } from './speaker.ts'

const REASON = 'replica_lost'

/**
 * An attempt whose replica has died before it could record it, by what was stored of its answer. What its provider counted was lost
 * with it.
 */
export class LostAttempt {
  readonly #speaker: Speaker
  #chunks = 0
  /** Of those who spoke before it: it was given that to go on from. */
  readonly #before = new OutputTally()
  readonly #own = new OutputTally()

  constructor (speaker: Speaker) {
    this.#speaker = speaker
  }

  /** The next chunk of the stream, from its beginning on. */
  said (json: string): void {
    const tally = ++this.#chunks > this.#speaker.after ? this.#own : this.#before
    tally.add(json, outputTextOf(objectOf(json) ?? {}).length)
  }

  /**
   * Its record: neutral, as nothing is held against its target.
   * @param now ms since 1970
   */
  record ({ requestId, request }: Pick<KeptRequest, 'requestId' | 'request'>, now: number = Date.now()): AttemptRecord {
    const { id, target, provider, model, number, startedAt, firstOutputMs, after } = this.#speaker
    const prompt = promptTokens(request) + this.#before.tokens
    const completion = this.#own.tokens
    return {
      id,
      requestId,
      target,
      provider,
      model,
      stream: true,
      attemptNo: number,
      class: classOf(REASON),
      reason: REASON,
      status: null,
      firstOutputMs,
      durationMs: Math.max(0, Math.round(now - startedAt)), // by two clocks
      chunks: Math.max(0, this.#chunks - after),
      promptTokens: prompt,
      completionTokens: completion,
      totalTokens: prompt + completion,
      usageSource: 'estimated',
      finishReason: null
    }
  }
}
