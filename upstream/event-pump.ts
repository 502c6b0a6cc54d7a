import { UpstreamError } from '../errors/upstream-error.ts'
import type { Chunk, CompletionWriter } from '../streams/completion-stream.ts'
import { SseReader, SseTooLargeError } from '../streams/sse-reader.ts'
import type { SseEvent } from '../streams/sse-reader.ts'
import type { BodyFlow, BodyReader } from './exchange.ts'

/**
 * What one event of an upstream becomes: chunks to write (in order), nothing, or the end of the answer.
 * Throws an UpstreamError where the event reports one.
 */
export type Translate<Event = SseEvent> = (event: Event) => Chunk | readonly Chunk[] | 'end' | undefined

/**
 * The last chunks of an answer whose protocol has no terminal event: called once, when the body has ended and all that
 * came in it is delivered. Throws an UpstreamError where what came is no answer.
 */
export type Flush = () => readonly Chunk[]

/** Cuts an upstream's bytes into events: `push` what came, then call `next` until it gives undefined. */
export interface EventReader<Event> {
  /** Adds bytes, which the reader may keep. */
  push (bytes: Buffer): void
  /** The next complete event; undefined if more bytes are needed for it. What it throws ends the stream as malformed. */
  next (): Event | undefined
}

/** How much of the body may wait unread for a full queue before the socket is paused, in bytes: the rest of most reads. */
const UNREAD_BYTES = 16 * 1024
/** How long an upstream may keep its connection open after its terminal event, in ms. */
const LINGER_MS = 1000

/**
 * Moves an upstream's events into a completion stream, no faster than the consumer takes them.
 *
 * What comes in one turn of the event loop is in the queue by its end. When the queue is full, the chunk at hand waits, if
 * there is one whole, parsing stops between two events, and the socket is not read, so that a stalled client costs the queue
 * and two reads' bytes at most.
 */
export class ReaderPump<Event> implements BodyReader {
  readonly #writer: CompletionWriter
  readonly #reader: EventReader<Event>
  readonly #translate: Translate<Event>
  readonly #flow: BodyFlow
  /** Undefined when it was called, or if there is none. */
  #flush: Flush | undefined
  /** Chunks of the event at hand that are not in the queue yet, from `#at` on. */
  #pending: readonly Chunk[] = []
  #at = 0
  /** What has come in this turn of the event loop. */
  readonly #arrived: Buffer[] = []
  /** The queue is full. */
  #waiting = false
  /** Bytes that came meanwhile. */
  #unread = 0
  #paused = false
  #upstreamEnded = false
  /** The connection broke while the consumer was behind. */
  #broken: UpstreamError | undefined
  #linger: NodeJS.Timeout | undefined

  constructor (writer: CompletionWriter, reader: EventReader<Event>, translate: Translate<Event>, flow: BodyFlow, flush?: Flush) {
    this.#writer = writer
    this.#reader = reader
    this.#translate = translate
    this.#flow = flow
    this.#flush = flush
    writer.queue.onCancel(() => flow.abandon())
    void writer.ended.then(() => flow.release())
  }

  data (bytes: Buffer): void {
    if (this.#writer.over) return
    // undici hands over each HTTP chunk by itself, and most upstreams send each event as one: read together, they are
    // decoded once, and leave together.
    const count = this.#arrived.push(bytes)
    if (endsRead(bytes)) this.#read()
    else if (count === 1) process.nextTick(this.#read)
    if (this.#waiting && (this.#unread += bytes.length) > UNREAD_BYTES) this.#pause()
  }

  end (): void {
    clearTimeout(this.#linger)
    this.#upstreamEnded = true
    this.#take()
    if (!this.#waiting) this.#run()
  }

  fail (error: UpstreamError): void {
    this.#read()
    clearTimeout(this.#linger)
    // What came before the break is still to be delivered, and may hold the answer's end. Not so when it was us who
    // broke it off: then the consumer shall know at once.
    if (this.#waiting && error.reason === 'reset') this.#broken = error
    else this.#writer.broken(error)
  }

  /** Reads what has arrived in this turn of the event loop. */
  readonly #read = (): void => {
    if (!this.#take()) return // already done
    if (!this.#waiting) this.#run()
  }

  /** Whether anything has arrived. */
  #take (): boolean {
    const arrived = this.#arrived
    const [first] = arrived
    if (first === undefined) return false
    this.#reader.push(arrived.length === 1 ? first : Buffer.concat(arrived))
    arrived.length = 0
    return true
  }

  readonly #run = (): void => {
    this.#waiting = false
    this.#unread = 0
    const { queue } = this.#writer
    queue.cork()
    try {
      const now = performance.now()
      while (this.#deliver(now)) {
        const event = this.#reader.next()
        if (event === undefined) {
          if (this.#flushed()) continue
          this.#idle()
          return
        }
        const result = this.#translate(event)
        if (result === undefined) continue
        if (result === 'end') {
          this.#terminate()
          return
        }
        if ('json' in result) {
          if (this.#writer.offer(result, now) === 'accepted') continue // nearly always, and without a list
          this.#pending = [result]
        } else {
          this.#pending = result
        }
        this.#at = 0
      }
    } catch (error) {
      this.#writer.fail(asUpstreamError(error))
      this.#flow.abandon()
    } finally {
      queue.uncork()
    }
  }

  /** Whether all pending chunks are in the queue; otherwise it comes back when there is room. */
  #deliver (now: number): boolean {
    for (let chunk = this.#pending[this.#at]; chunk !== undefined; chunk = this.#pending[this.#at]) {
      const result = this.#writer.offer(chunk, now)
      if (result === 'cancelled') return false
      if (result === 'full') {
        this.#waiting = true
        this.#writer.queue.whenFits(chunk.json, this.#run)
        return false
      }
      this.#at++
    }
    return true
  }

  /** Whether the end of the body has brought the last chunks just now. */
  #flushed (): boolean {
    if (!this.#upstreamEnded || this.#flush === undefined) return false
    const flush = this.#flush
    this.#flush = undefined
    this.#pending = flush()
    this.#at = 0
    return true
  }

  #pause (): void {
    if (this.#paused) return
    this.#paused = true
    this.#flow.pause()
  }

  #resume (): void {
    if (!this.#paused) return
    this.#paused = false
    this.#flow.resume()
  }

  /** Everything read so far is delivered. */
  #idle (): void {
    const { queue } = this.#writer
    if (this.#upstreamEnded) {
      this.#writer.end({ terminal: false })
    } else if (this.#broken !== undefined) {
      this.#writer.broken(this.#broken)
    } else if (queue.state.kind !== 'open') {
      this.#flow.abandon() // it has ended while there was no room: nobody takes what is yet to come
    } else if (queue.full) {
      // What is under way now is to stay with the upstream, and not to be put together here: it may be large, too.
      this.#waiting = true
      if (queue.size < queue.capacity) this.#pause()
      queue.whenRoom(this.#run)
    } else {
      this.#resume()
    }
  }

  /** The answer is complete. Its connection is kept for the next request if the body ends as well. */
  #terminate (): void {
    this.#writer.end({ terminal: true })
    if (this.#upstreamEnded) return
    this.#resume()
    this.#linger = setTimeout(() => this.#flow.abandon(), LINGER_MS)
    this.#linger.unref()
  }
}

/** The pump of an upstream that sends Server-Sent Events. */
export class EventPump extends ReaderPump<SseEvent> {
  constructor (writer: CompletionWriter, translate: Translate, flow: BodyFlow, flush?: Flush) {
    super(writer, new SseReader(), translate, flow, flush)
  }
}

/** Line end behind an HTTP chunk, in bytes. */
const CHUNK_END = 2

/**
 * Whether no other HTTP chunk follows in the same read of the socket, whose memory these bytes are a part of. It need not
 * be right: it spares the wait for the turn's end.
 */
function endsRead ({ buffer, byteOffset, length }: Buffer): boolean {
  return byteOffset + length + CHUNK_END >= buffer.byteLength
}

/** What the parsers throw, as the one error type. */
function asUpstreamError (error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  if (error instanceof SseTooLargeError) return new UpstreamError('malformed', 'An event of the provider is larger than the gateway accepts.', { cause: error })
  return new UpstreamError('malformed', 'The provider sent something that the gateway cannot read.', { cause: error })
}
