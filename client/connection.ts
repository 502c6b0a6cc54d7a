import { createParser } from 'eventsource-parser'
import type { EventSourceParser } from 'eventsource-parser'
import { headOf } from './answer.ts'
import type { StreamHead } from './answer.ts'
import { Broken } from './broken.ts'
import { GatewayError, ProtocolError } from './errors.ts'
import type { StreamPosition } from './errors.ts'
import type { Settings } from './options.ts'

/** One event of a stream. */
export interface Frame {
  /** As it stands there. */
  readonly id: string | undefined
  readonly data: string
}

/** A request whose answer is a stream. */
export interface Call {
  readonly method: 'GET' | 'POST'
  /** After the base URL. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** How long its head may take, in ms. */
  readonly timeoutMs: number
}

/** One connection: opened once, read to its end or closed. */
export class Connection {
  readonly #settings: Settings
  readonly #position: StreamPosition
  readonly #aborter = new AbortController()
  readonly #parser: EventSourceParser
  readonly #decoder = new TextDecoder()
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #frames: Frame[] = []
  #tooLarge = false
  #silent = false

  /** @param position for errors */
  constructor (settings: Settings, position: StreamPosition) {
    this.#settings = settings
    this.#position = position
    const { maxFrameLength } = settings
    this.#parser = createParser({
      maxBufferSize: maxFrameLength,
      onEvent: ({ id, data }) => {
        this.#tooLarge ||= data.length > maxFrameLength
        if (!this.#tooLarge) this.#frames.push({ id, data })
      },
      onError: ({ type }) => { if (type === 'max-buffer-size-exceeded') this.#tooLarge = true }
    })
  }

  /**
   * Sends the request, and gives the head of the stream that is its answer.
   * @throws {Broken} a new one may do better
   * @throws {GatewayError} the gateway said no
   */
  async open ({ method, path, headers, body, timeoutMs }: Call): Promise<StreamHead> {
    const { baseURL, fetch } = this.#settings
    return await this.#inTime(timeoutMs, async () => {
      const response = await fetch(`${baseURL}${path}`, {
        method,
        headers: { accept: 'text/event-stream', ...this.#settings.headers, ...headers },
        cache: 'no-store',
        signal: this.#aborter.signal,
        ...(body === undefined ? {} : { body })
      })
      const head = await headOf(response, this.#position)
      this.#reader = response.body?.getReader()
      return head
    })
  }

  /**
   * The frames that have come since the last call, maybe none; undefined at the end of the connection.
   * @throws {Broken} it broke, or nothing came in time
   * @throws {ProtocolError} a frame is too large
   */
  async read (): Promise<readonly Frame[] | undefined> {
    const reader = this.#reader
    if (reader === undefined) return undefined
    if (!this.#tooLarge) {
      const { done, value } = await this.#inTime(this.#settings.idleTimeoutMs, async () => await reader.read())
      if (done) return undefined
      this.#parser.feed(this.#decoder.decode(value, { stream: true }))
    }
    const frames = this.#frames
    this.#frames = []
    // What stands before it is good.
    if (this.#tooLarge && frames.length === 0) throw new ProtocolError('frame_too_large', `A frame is longer than ${this.#settings.maxFrameLength} UTF-16 units.`, this.#position)
    return frames
  }

  /** After the last frame: waits a moment for the end of the answer, so that the connection can be used again, and closes it. */
  async finish (): Promise<void> {
    const reader = this.#reader
    if (reader !== undefined) await this.#inTime(LINGER_MS, async () => { while (!(await reader.read()).done); }).catch(() => {})
    this.close()
  }

  /** Lets go of it, whatever goes on. */
  close (): void {
    this.#aborter.abort()
    // Where a `fetch` does not heed its signal.
    this.#reader?.cancel().catch(() => {})
  }

  async #inTime<T> (ms: number, step: () => Promise<T>): Promise<T> {
    const callOff = this.#settings.schedule(ms, () => {
      this.#silent = true
      this.close()
    })
    try {
      const result = await step()
      if (this.#silent) throw new Broken(`Nothing came for ${ms} ms.`)
      return result
    } catch (error) {
      if (error instanceof Broken || error instanceof GatewayError) throw error
      throw new Broken(this.#silent ? `Nothing came for ${ms} ms.` : 'The connection broke.', { cause: error })
    } finally {
      callOff()
    }
  }
}

/** How long the end of an answer is waited for, in ms. */
const LINGER_MS = 100
