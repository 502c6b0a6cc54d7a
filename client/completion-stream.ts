import type { ChatCompletionChunk } from '../schemas/chat-completion.ts'
import { wordsOf } from './answer.ts'
import type { StreamHead } from './answer.ts'
import { Broken } from './broken.ts'
import { Connection } from './connection.ts'
import type { Call, Frame } from './connection.ts'
import { GatewayError, ProtocolError } from './errors.ts'
import type { StreamPosition } from './errors.ts'
import { isObject, objectOf } from './json.ts'
import type { Settings } from './options.ts'
import { Retries } from './retries.ts'
import { stopStream } from './stop-stream.ts'
import { untilAborted } from './until-aborted.ts'

type State =
  | { readonly kind: 'open' }
  /** `[DONE]` came. */
  | { readonly kind: 'done' }
  /** Its reader did not want more. */
  | { readonly kind: 'left' }
  | { readonly kind: 'failed', readonly error: unknown }

type End = Exclude<State, { kind: 'open' }>

const NO_MORE: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * The chunks of a completion, each once and in order, over as many connections as it takes. It ends if and only if the
 * gateway says that the answer is complete; otherwise it throws, and again with every further `next`. For one reader.
 */
export class CompletionStream implements AsyncIterableIterator<ChatCompletionChunk, undefined, undefined>, StreamPosition {
  readonly #settings: Settings
  readonly #first: Call
  /** Aborted when it is over, before its end. */
  readonly #over = new AbortController()
  readonly #retries: Retries
  #streamId: string | undefined
  #lastEventId: number
  #head: StreamHead | undefined
  #connection: Connection | undefined
  #connections = 0
  #frames: readonly Frame[] = []
  #at = 0
  #state: State = { kind: 'open' }
  #turn: Promise<unknown> = Promise.resolve()
  #stopped: Promise<void> | undefined

  /** Made by `streamCompletion` and `joinCompletion`. */
  private constructor (settings: Settings, first: Call, { streamId, lastEventId }: StreamPosition) {
    this.#settings = settings
    this.#first = first
    this.#streamId = streamId
    this.#lastEventId = lastEventId
    this.#retries = new Retries(settings, this.#over.signal)
  }

  /**
   * Resolves when the answer has begun.
   * @param position where it is known which stream it is, and what of it is there
   */
  static async open (settings: Settings, first: Call, position: StreamPosition): Promise<CompletionStream> {
    settings.signal?.throwIfAborted()
    const stream = new CompletionStream(settings, first, position)
    settings.signal?.addEventListener('abort', stream.#onAbort)
    try {
      await stream.#connected()
      return stream
    } catch (error) {
      stream.#end({ kind: 'failed', error })
      throw error
    }
  }

  /** `x-gateway-stream-id`: what `joinCompletion` wants. Before the first chunk it may change: what came to nothing is asked for anew. */
  get id (): string { return this.#streamId ?? '' }
  get streamId (): string | undefined { return this.#streamId }
  /** The target that answers; of a stream that was carried on, the one that began. */
  get target (): string { return this.#head?.target ?? '' }
  /** Whether the gateway had been asked for the same with this key before. */
  get isReplayed (): boolean { return this.#head?.replayed ?? false }
  /** Number of the last frame that was handed on; 0: none. */
  get lastEventId (): number { return this.#lastEventId }
  /** How often it was joined again, or asked for anew, after its connection was lost. */
  get rejoined (): number { return Math.max(0, this.#connections - 1) }

  [Symbol.asyncIterator] (): this { return this }

  /**
   * The next chunk.
   * @throws {StreamError} see its classes
   * @throws `signal.reason`
   */
  async next (): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    const turn = this.#turn.then(async () => await this.#next())
    this.#turn = turn.catch(() => {})
    return await turn
  }

  /** Ends the stream, here and, unless it is to be left running, at the gateway; resolves when that has answered. `break` in a `for await` calls it. */
  async return (): Promise<IteratorReturnResult<undefined>> {
    this.#end({ kind: 'left' })
    await this.#turn
    await this.#stopped
    return NO_MORE
  }

  async #next (): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    try {
      while (this.#state.kind === 'open') {
        const value = await this.#step()
        if (value === DONE) await this.#complete()
        else if (value !== undefined) return { done: false, value }
      }
    } catch (error) {
      this.#end({ kind: 'failed', error })
    }
    if (this.#state.kind === 'failed') throw this.#state.error
    return NO_MORE
  }

  /** The next frame's chunk, or what comes before it: undefined. */
  async #step (): Promise<ChatCompletionChunk | typeof DONE | undefined> {
    const connection = await this.#connected()
    try {
      const frame = this.#frames[this.#at++]
      if (frame !== undefined) return this.#take(frame)
      const frames = await untilAborted(this.#over.signal, connection.read())
      if (frames === undefined) throw new Broken('The stream ended without [DONE].')
      this.#frames = frames
      this.#at = 0
    } catch (error) {
      await this.#broke(error)
    }
    return undefined
  }

  /** A chunk; undefined if it is one that was there already. */
  #take ({ id, data }: Frame): ChatCompletionChunk | typeof DONE | undefined {
    const value = data === DONE ? DONE : objectOf(data)
    const words = wordsOf(value)
    if (id === undefined && words !== undefined) throw asideOf(new GatewayError(words, this))
    if (id === undefined || !/^\d{1,15}$/.test(id)) throw new ProtocolError('malformed_frame', 'A frame has no number.', this)
    const number = Number(id)
    if (number <= this.#lastEventId) return undefined
    if (number !== this.#lastEventId + 1) throw new ProtocolError('frame_gap', `Frame ${number} came after frame ${this.#lastEventId}.`, this)
    if (words !== undefined) throw new GatewayError(words, { streamId: this.#streamId, lastEventId: number })
    if (value !== DONE && !isChunk(value)) throw new ProtocolError('malformed_frame', `Frame ${number} holds no chunk.`, this)
    this.#lastEventId = number
    this.#retries.progress()
    return value
  }

  /** The connection that there is, or a new one. */
  async #connected (): Promise<Connection> {
    while (this.#connection === undefined) {
      this.#over.signal.throwIfAborted()
      const connection = new Connection(this.#settings, this)
      const opening = connection.open(this.#call())
      try {
        this.#begun(await untilAborted(this.#over.signal, opening))
        this.#connection = connection
        this.#connections++
      } catch (error) {
        if (this.#over.signal.aborted) this.#leave(connection, opening)
        else connection.close()
        await this.#broke(error)
      }
    }
    return this.#connection
  }

  #call (): Call {
    if (this.#streamId === undefined) return this.#first
    return {
      method: 'GET',
      path: `/streams/${encodeURIComponent(this.#streamId)}`,
      headers: this.#lastEventId === 0 ? {} : { 'last-event-id': String(this.#lastEventId) },
      body: undefined,
      timeoutMs: this.#settings.idleTimeoutMs
    }
  }

  #begun (head: StreamHead): void {
    if (this.#streamId === undefined && head.id === '') throw new ProtocolError('no_stream_id', 'The answer has no x-gateway-stream-id; of another origin it must be exposed.', this)
    this.#streamId ??= head.id
    this.#head ??= head
  }

  /** Lets go of the connection, and pauses before the next one, if there may be one. */
  async #broke (error: unknown): Promise<void> {
    this.#connection?.close()
    this.#connection = undefined
    this.#frames = []
    const cameToNothing = this.#cameToNothing(error)
    await this.#retries.next(cameToNothing ?? error, this)
    if (cameToNothing === undefined) return
    this.#streamId = undefined
    this.#head = undefined
  }

  /**
   * The stream is gone with its replica, and nothing of it was handed on: then it can be asked for anew, with the same key, so that
   * what runs after all is found. Undefined where that is not so, or where a stream was joined whose request nobody here knows.
   */
  #cameToNothing (error: unknown): Broken | undefined {
    if (this.#lastEventId > 0 || this.#streamId === undefined || this.#first.body === undefined) return undefined
    const said = error instanceof Broken ? error.said : error
    return said instanceof GatewayError && GONE.has(said.code) ? new Broken(said.message, { said, anew: true }) : undefined
  }

  /**
   * It was ended while its answer was waited for. The gateway goes on with a request that has a key, and only an answer that
   * has begun says which stream it is: so that is waited for, and then ended.
   */
  #leave (connection: Connection, opening: Promise<StreamHead>): void {
    if (this.#streamId !== undefined || this.#settings.leaveRunning) return connection.close()
    this.#stopped = opening.then(async ({ id }) => {
      connection.close()
      if (id !== '') await stopStream(this.#settings, id)
    }, () => connection.close())
  }

  async #complete (): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    this.#end({ kind: 'done' })
    await connection?.finish()
  }

  /** Ends it once, and lets go of everything. */
  #end (end: End): void {
    if (this.#state.kind !== 'open') return
    this.#state = end
    this.#settings.signal?.removeEventListener('abort', this.#onAbort)
    const unwanted = end.kind === 'left' || (end.kind === 'failed' && (this.#settings.signal?.aborted === true || end.error instanceof ProtocolError))
    this.#over.abort(end.kind === 'failed' ? end.error : undefined)
    this.#connection?.close()
    this.#connection = undefined
    if (unwanted && !this.#settings.leaveRunning && this.#streamId !== undefined) this.#stopped = stopStream(this.#settings, this.#streamId)
  }

  readonly #onAbort = (): void => this.#end({ kind: 'failed', error: this.#settings.signal?.reason })
}

const DONE = '[DONE]'

/** Codes of a stream that nobody runs, and nobody will. */
const GONE: ReadonlySet<string> = new Set(['stream_not_found', 'stream_lost'])

/** Of a frame that is none of the stream's: why the gateway cannot read it. It may be able to later, unless frames are gone. */
function asideOf (error: GatewayError): GatewayError | Broken {
  return error.code === 'frames_gone' ? error : new Broken(error.message, { said: error })
}

function isChunk (value: unknown): value is ChatCompletionChunk {
  return isObject(value) && Array.isArray(value['choices'])
}
