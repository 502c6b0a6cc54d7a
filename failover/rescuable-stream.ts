import { UpstreamError } from '../errors/upstream-error.ts'
import type { BoundedQueue } from '../streams/bounded-queue.ts'
import { CompletionWriter } from '../streams/completion-stream.ts'
import type { Chunk, CompletionStream, CompletionStreamOptions, StreamEnd, StreamReport } from '../streams/completion-stream.ts'
import { diverged } from './seam.ts'
import type { Seam } from './seam.ts'
import { SentText } from './sent-text.ts'
import { isFinal } from './verdict.ts'

/** An attempt that is to carry a stream on. It is told what becomes of it. */
export interface Successor {
  readonly queue: BoundedQueue<string>
  readonly seam: Seam
  /** It has said what was sent, and goes on. */
  reached (): void
  /** It says something else. */
  diverged (error: UpstreamError): void
  /** Nobody wants it any more. */
  left (): void
}

/** Finds who carries a stream on. */
export interface Successors {
  /**
   * The next one; undefined where there is none, or none left. Never rejects.
   * @param error what broke the stream
   * @param again whether the one before, which was to mend this same break, did not
   */
  next (sent: SentText, error: UpstreamError, again: boolean): Promise<Successor | undefined>
  /** Nobody wants any. */
  abandon (): void
}

/**
 * A stream that goes on when the attempt behind it breaks: another attempt takes its place, and the consumer sees one stream.
 *
 *     attempt ─► its queue ─┐
 *       ✕ breaks            ├─► look, note ─► queue ─► consumer
 *     attempt ─► its queue ─┘
 *                └─ seam ┘
 *
 * What comes together leaves together. While the consumer's queue is full, the attempt's is not read. What becomes of the text
 * that was sent is in `SentText`, how two attempts are joined in `Seam`, whom to ask in `Rescue`.
 */
export class RescuableStream implements CompletionStream {
  readonly queue: BoundedQueue<string>
  readonly started: Promise<void>
  readonly ended: Promise<StreamEnd>
  readonly report: StreamReport
  readonly #writer: CompletionWriter
  readonly #successors: Successors
  readonly #sent: SentText
  /** Of the attempt at hand; undefined while there is none. */
  #source: BoundedQueue<string> | undefined
  #successor: Successor | undefined
  /** Whether the attempt at hand has gone on from what was sent. */
  #joined = true
  /** Looked at, and not sent yet, as the queue is full. */
  #pending: Chunk | undefined
  #moving = false
  /** What broke the first attempt. */
  #firstError: UpstreamError | undefined

  /** @param sent what the consumer has already, of a stream that begins in its middle */
  constructor (options: CompletionStreamOptions, successors: Successors, sent: SentText = new SentText()) {
    this.#writer = new CompletionWriter(options)
    this.#successors = successors
    this.#sent = sent
    this.queue = this.#writer.queue
    this.started = this.#writer.started
    this.ended = this.#writer.ended
    this.report = this.#writer.report
    this.queue.onCancel(() => this.#abandon())
  }

  /** Moves what an attempt says from its queue into this one's. */
  begin (source: BoundedQueue<string>): void {
    this.#source = source
    this.#run(false)
  }

  /** There is no attempt: the one that had begun is lost, and another one is to carry on what was sent. */
  carryOn (lost: UpstreamError): void {
    this.#broke(lost)
  }

  /** @param together what is there is all that came together */
  readonly #run = (together: boolean): void => {
    if (this.#moving) return
    this.#moving = true
    if (together) this.queue.cork()
    try {
      this.#move()
    } finally {
      if (together) this.queue.uncork()
      this.#moving = false
    }
  }

  /** The attempt's queue is full before its producer is done. */
  readonly #ahead = (): void => this.#run(false)

  /** There is room again. */
  readonly #resume = (): void => this.#run(false)

  #move (): void {
    for (;;) {
      if (this.#pending !== undefined) {
        const result = this.#writer.offer(this.#pending)
        if (result === 'full') this.queue.whenFits(this.#pending.json, this.#resume)
        if (result !== 'accepted') return
        this.#pending = undefined
        this.#sent.sent()
      }
      const source = this.#source
      if (source === undefined) return
      const json = source.poll()
      if (json !== undefined) this.#take(json)
      else if (source.state.kind === 'open') {
        source.onReadable(this.#run, this.#ahead)
        return
      } else this.#atEnd(source)
    }
  }

  #take (json: string): void {
    if (this.#successor === undefined) {
      this.#pending = this.#sent.look(json)
      return
    }
    const { seam } = this.#successor
    this.#atSeam(() => {
      const body = seam.pass(json)
      if (body === undefined) return
      this.#join()
      this.#pending = this.#sent.look(JSON.stringify(body), body)
    })
  }

  #atEnd (source: BoundedQueue<string>): void {
    const { state } = source
    switch (state.kind) {
      case 'open': return
      case 'closed':
        this.#atSeam(() => {
          this.#successor?.seam.end()
          this.#join()
          this.#source = undefined
          this.#writer.end({ terminal: true })
        })
        return
      case 'failed':
        this.#broke(state.error)
        return
      case 'cancelled': // by nobody but this stream's own consumer
        this.#source = undefined
    }
  }

  /** What throws here says something else than what was sent. */
  #atSeam (step: () => void): void {
    try {
      step()
    } catch (error) {
      const why = error instanceof UpstreamError ? error : diverged()
      this.#successor?.diverged(why)
      this.#broke(why)
    }
  }

  #join (): void {
    if (this.#joined) return
    this.#joined = true
    this.#successor?.reached()
  }

  #broke (error: Error): void {
    this.#source?.cancel()
    this.#source = undefined
    const mends = !this.#joined
    if (!(error instanceof UpstreamError) || (!mends && !(RESCUED.has(error.reason) && this.#sent.canGoOn))) {
      this.#fail(error)
      return
    }
    this.#firstError ??= error
    void this.#carryOn(error, mends)
  }

  async #carryOn (error: UpstreamError, again: boolean): Promise<void> {
    this.#successor = undefined
    this.#joined = false
    const successor = await this.#successors.next(this.#sent, error, again)
    if (this.#writer.over) successor?.left()
    else if (successor === undefined) this.#fail(error)
    else {
      this.#successor = successor
      this.begin(successor.queue)
    }
  }

  /** The first error is the one that is told, unless a later one says that nothing could be done for this request. */
  #fail (error: Error): void {
    const first = this.#firstError
    const own = first === undefined || !(error instanceof UpstreamError) || (this.#joined && (isFinal(error) || error.reason === 'internal'))
    this.#writer.fail(own ? error : first)
  }

  #abandon (): void {
    this.#pending = undefined
    if (this.#joined) this.#source?.cancel()
    else this.#successor?.left()
    this.#source = undefined
    this.#successors.abandon()
  }
}

/**
 * Failures that another attempt may mend: the target's own, in the middle of its answer. Not the client's leaving, the
 * deadline, the gateway's end, a defect of its code, nor what would happen to the next attempt as well. A successor may diverge
 * late: by thinking where none was to be thought.
 */
const RESCUED: ReadonlySet<UpstreamError['reason']> = new Set([
  'reset', 'truncated', 'stalled', 'in_band_error', 'upstream_error', 'malformed', 'rate_limited', 'quota_exhausted', 'diverged',
  'replica_lost'
])
