import type { Usage } from '../schemas/chat-completion.ts'
import type { OutputEstimate } from '../usage/attempt-usage.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import { BoundedQueue } from './bounded-queue.ts'
import type { OfferResult } from './bounded-queue.ts'
import type { ChunkFacts } from './chunk-facts.ts'
import { OutputTally } from './output-tally.ts'

/**
 * One streamed completion, from a provider's reader to whoever sends it on.
 *
 *     provider ─► CompletionWriter ─► BoundedQueue of chunk JSON ─► CompletionStream ─► route
 *                       │                                                 │
 *                       └──── decides: complete, truncated, empty ───────►└ started, ended, report
 *
 * The writer alone knows when an answer is complete, by the rules of the chat completions format; so no provider can
 * close a truncated stream as a good one.
 */

/** How a stream ended. */
export type StreamEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'failed', readonly error: Error }
  /** The consumer left before the end. */
  | { readonly kind: 'cancelled' }

/** What is known of a stream so far; final once `ended` has resolved. Times are of `performance.now()`, in ms. */
export interface StreamReport {
  /** Chunks put into the queue. */
  readonly chunks: number
  readonly firstOutputAt: number | undefined
  readonly lastOutputAt: number | undefined
  /** The first choice's finish reason; another one's until that is there. */
  readonly finishReason: string | null
  /** The last usage that the provider reported. */
  readonly usage: Usage | undefined
  /** What was produced, for want of the provider's own counts. */
  readonly output: OutputEstimate
}

/** The consumer's side. Iterate over `queue`, or build a `QueueReadable` on it; cancelling it stops the upstream. */
export interface CompletionStream {
  /** Chunks as JSON text, one `chat.completion.chunk` each. Fails with the provider's error. */
  readonly queue: BoundedQueue<string>
  /**
   * Resolves at the first real output, or at the end of a complete answer without any; rejects on a failure before. A
   * queue that fills up before any output resolves it, too: what follows could not be seen while nobody reads.
   */
  readonly started: Promise<void>
  /** Resolves when nothing more will be written, however it came to that; never rejects. */
  readonly ended: Promise<StreamEnd>
  readonly report: StreamReport
}

/** How a stream of completions is bounded and what the caller asked to see in it. */
export interface CompletionStreamOptions {
  /** Slots of the queue. Default 100. */
  readonly capacity?: number
  /** What the queued chunks may take, in bytes, in memory and then on their way. Default 64 KiB. */
  readonly maxBytes?: number
  /** Whether the caller wants the usage chunk. */
  readonly includeUsage?: boolean
  /** How many choices the request asked for. */
  readonly choices?: number
}

export const DEFAULT_CAPACITY = 100
/**
 * A client that takes nothing costs this, for what is queued and for what is on its way to its socket, and two reads of the
 * upstream's. Of tokens as they come, 100 are four fifths of it at the most.
 */
export const DEFAULT_MAX_BYTES = 64 * 1024
/** What V8 takes for a character of text that is not ASCII. */
const BYTES_PER_CHARACTER = 2
/** Of so many characters on, it is looked whether a chunk is ASCII. */
const LONG_CHUNK = 1024

/** What a chunk takes, in bytes: in memory, and later on its way. Of ASCII both are one for each character. */
function sizeOf (json: string): number {
  const { length } = json
  if (length < LONG_CHUNK) return 2 * length
  const onItsWay = Buffer.byteLength(json)
  return onItsWay + (onItsWay === length ? length : length * BYTES_PER_CHARACTER)
}

/** One chunk on its way: its JSON text (no line breaks) and what the gateway must know of it. */
export interface Chunk {
  readonly json: string
  readonly facts: ChunkFacts
  /** Of the text that the model has produced in it, as JSON: `outputLengthOf`. */
  readonly characters: number
}

/** The producer's side; see the drawing at the top of the file. */
export class CompletionWriter implements CompletionStream {
  readonly queue: BoundedQueue<string>
  readonly started: Promise<void>
  readonly ended: Promise<StreamEnd>
  readonly #start = Promise.withResolvers<void>()
  readonly #end = Promise.withResolvers<StreamEnd>()
  readonly #includeUsage: boolean
  /** Choices seen, and whether each is finished. */
  readonly #finished = new Map<number, boolean>()
  readonly #expected: number
  #usageChunk: string | undefined
  /** The facts of the chunk before, where they can be met again without any effect. */
  #repeated: ChunkFacts | undefined
  #over = false
  readonly #output = new OutputTally()
  readonly report: { -readonly [K in keyof StreamReport]: StreamReport[K] } = {
    chunks: 0, firstOutputAt: undefined, lastOutputAt: undefined, finishReason: null, usage: undefined, output: this.#output
  }

  constructor ({ capacity = DEFAULT_CAPACITY, maxBytes = DEFAULT_MAX_BYTES, includeUsage = false, choices = 1 }: CompletionStreamOptions = {}) {
    this.queue = new BoundedQueue<string>({ capacity, maxBytes, sizeOf })
    this.#includeUsage = includeUsage
    this.#expected = choices
    this.started = this.#start.promise
    this.ended = this.#end.promise
    // Whoever is interested awaits it; a failure that nobody awaits reaches the consumer through the queue.
    this.started.catch(() => {})
    this.queue.onCancel(() => { this.#conclude({ kind: 'cancelled' }) })
  }

  /** Whether the stream has ended, for whatever reason; what comes after is ignored. */
  get over (): boolean { return this.#over }

  /**
   * Offers a chunk; `full` means that it was not taken, and to try again when it fits.
   * @param at when it came; `performance.now()`, in ms
   */
  offer (chunk: Chunk, at: number = performance.now()): OfferResult {
    if (this.#over) return 'cancelled'
    if (this.#isUsageOnly(chunk)) return 'accepted'
    const result = this.queue.offer(chunk.json)
    if (result === 'accepted') this.#observe(chunk, at)
    else if (result === 'full') this.#start.resolve()
    return result
  }

  /**
   * Puts a chunk, waiting while the queue is full.
   * @throws {QueueCancelledError} the consumer has left
   */
  async put (chunk: Chunk): Promise<void> {
    if (this.#isUsageOnly(chunk) || this.offer(chunk) === 'accepted') return
    await this.queue.put(chunk.json)
    if (this.#over) return // failed in the very turn in which the chunk was taken
    this.#observe(chunk, performance.now())
  }

  /**
   * The upstream ended in order: by its terminal event, or (`terminal: false`) by just ending. Whether that makes a
   * complete answer is decided here.
   */
  end ({ terminal }: { readonly terminal: boolean }): void {
    if (this.#over) return
    const generated = this.report.firstOutputAt !== undefined
    const anyFinished = [...this.#finished.values()].some(Boolean)
    if (!generated && !anyFinished) {
      this.fail(new UpstreamError('empty', 'The provider ended its answer without generating anything.'))
    } else if (!terminal && !this.#allFinished()) {
      this.fail(new UpstreamError('truncated', 'The provider ended the stream before the answer was complete.'))
    } else {
      this.#complete()
    }
  }

  /** The upstream broke; the consumer gets `error` after what is queued. */
  fail (error: Error): void {
    if (this.#over) return
    this.#over = true // first: the queue wakes a producer that waits for room
    this.queue.fail(error)
    this.#conclude({ kind: 'failed', error })
  }

  /** The connection broke. What comes after every choice's finish reason is not missed; before that it is a failure. */
  broken (error: Error): void {
    if (this.#over) return
    if (this.#finished.size > 0 && this.#allFinished()) this.#complete()
    else this.fail(error)
  }

  /** The usage chunk comes once and last, and only to who asked for it, so it waits for the end. */
  #isUsageOnly ({ json, facts }: Chunk): boolean {
    if (facts.usage === undefined || facts.choices.length > 0) return false
    this.#counted(facts.usage)
    this.#usageChunk = json
    return true
  }

  /** Chunks may repeat the last counts that there were: then those say nothing of what has come since. */
  #counted (usage: Usage): void {
    if (usage === this.report.usage) return
    this.report.usage = usage
    this.#output.counted()
  }

  #observe ({ json, facts, characters }: Chunk, at: number): void {
    const { report } = this
    report.chunks++
    this.#output.add(json, characters)
    if (facts === this.#repeated) { // it says what the one before said
      report.lastOutputAt = at
      return
    }
    // A chunk that only adds output to choices that go on, as nearly all do: nothing to note when it comes again.
    this.#repeated = facts.output && facts.usage === undefined && facts.choices.every(({ finishReason }) => finishReason === null) ? facts : undefined
    if (facts.usage !== undefined) this.#counted(facts.usage)
    for (const { index, finishReason } of facts.choices) {
      if (finishReason !== null) {
        if (report.finishReason === null || (index === 0 && this.#finished.get(0) !== true)) report.finishReason = finishReason
        this.#finished.set(index, true)
      } else if (!this.#finished.has(index)) this.#finished.set(index, false)
    }
    if (facts.output) {
      report.lastOutputAt = at
      if (report.firstOutputAt === undefined) {
        report.firstOutputAt = report.lastOutputAt
        this.#start.resolve()
      }
    }
  }

  #allFinished (): boolean {
    if (this.#finished.size < this.#expected) return false
    for (const finished of this.#finished.values()) if (!finished) return false
    return true
  }

  #complete (): void {
    this.#over = true
    if (!this.#includeUsage || this.#usageChunk === undefined) {
      this.queue.close()
      this.#conclude({ kind: 'complete' })
      return
    }
    this.#start.resolve()
    this.report.chunks++
    const close = () => {
      this.queue.close()
      this.#conclude({ kind: 'complete' })
    }
    if (this.queue.offer(this.#usageChunk) === 'accepted') close()
    else {
      this.queue.put(this.#usageChunk).then(close, () => {
        // The consumer left while the last chunk waited; the abort listener has concluded the stream.
      })
    }
  }

  #conclude (end: StreamEnd): void {
    this.#over = true
    if (end.kind === 'failed') this.#start.reject(end.error)
    else this.#start.resolve()
    this.#end.resolve(end)
  }
}
