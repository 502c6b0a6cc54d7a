import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { BatchPump } from './batch-pump.ts'
import type { BatchEncoder, BatchSink, KeepAlive } from './batch-pump.ts'
import type { BoundedQueue } from './bounded-queue.ts'

/**
 * Sends a queue as the body of an HTTP response, whose head is written (`writeHead`) and may not be sent yet. Resolves
 * when the body has ended, or when the response was closed before: then the queue is cancelled.
 *
 * On an HTTP/1.1 connection a batch is one string and one write to the socket, in chunks that are framed here: Node's
 * own framing makes four pieces and a list of each write, which costs more than all else that is done to a chunk. The
 * head leaves with the first batch, and the last batch with the end of the body. Where the response is something else
 * (HTTP/1.0, HTTP/2, a test's injection, a pipelined request whose turn has not come), it is written to in the plain way.
 *
 * @throws the queue's error, where the encoder has no words for it; the response is closed by then
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1 for chunks
 */
export function sendBatches<T extends {}> (queue: BoundedQueue<T>, encoder: BatchEncoder<T>, response: ServerResponse, keepAlive?: KeepAlive): Promise<void> {
  const { socket } = response
  return new Promise((resolve, reject) => {
    const sink = response.chunkedEncoding && socket instanceof Socket
      ? new ChunkedBody(response, socket, resolve, reject)
      : new PlainBody(response, resolve, reject)
    sink.send(new BatchPump(queue, encoder, sink, keepAlive))
  })
}

/** What a body does with its pump. */
type Pump = Pick<BatchPump<string>, 'pull' | 'stop'>

/** The body of one response: ends with the queue, or with the response. */
abstract class Body implements BatchSink {
  protected readonly response: ServerResponse
  readonly #resolve: () => void
  readonly #reject: (error: Error) => void
  /** Says when more can be written. */
  readonly #drains: Writable
  #pump: Pump | undefined

  constructor (response: ServerResponse, drains: Writable, resolve: () => void, reject: (error: Error) => void) {
    this.response = response
    this.#drains = drains
    this.#resolve = resolve
    this.#reject = reject
  }

  send (pump: Pump): void {
    this.#pump = pump
    if (this.response.destroyed) {
      this.#onClose()
      return
    }
    this.response.on('close', this.#onClose)
    this.#drains.on('drain', this.#onDrain)
    pump.pull()
  }

  abstract write (text: string): boolean

  end (text: string): void {
    this.#letGo()
    this.finish(text)
    this.#resolve()
  }

  abort (error: Error): void {
    this.#letGo()
    this.response.destroy()
    this.#reject(error)
  }

  protected abstract finish (text: string): void

  #letGo (): void {
    this.response.removeListener('close', this.#onClose)
    this.#drains.removeListener('drain', this.#onDrain)
  }

  readonly #onDrain = (): void => this.#pump?.pull()

  readonly #onClose = (): void => {
    this.#letGo()
    this.#pump?.stop()
    this.#resolve()
  }
}

/** The body as Node frames it. */
class PlainBody extends Body {
  constructor (response: ServerResponse, resolve: () => void, reject: (error: Error) => void) {
    super(response, response, resolve, reject)
  }

  write (text: string): boolean { return this.response.write(text) }
  protected finish (text: string): void { this.response.end(text) }
}

/** The body as HTTP/1.1 chunks of our own. */
class ChunkedBody extends Body {
  readonly #socket: Socket
  #begun = false

  constructor (response: ServerResponse, socket: Socket, resolve: () => void, reject: (error: Error) => void) {
    super(response, socket, resolve, reject)
    this.#socket = socket
    // From here on Node passes on what it is given, so that its own bookkeeping of the response stays right.
    response.chunkedEncoding = false
  }

  write (text: string): boolean {
    const bytes = Buffer.byteLength(text)
    const piece = `${bytes.toString(16)}\r\n${text}\r\n`
    if (!this.#begun) {
      this.#begun = true
      return this.response.write(piece, encodingOf(text, bytes)) // it alone knows the head
    }
    if (bytes > LONG_BYTES && bytes > text.length) return this.#socket.write(UTF_8.encode(piece))
    return this.#socket.write(piece, encodingOf(text, bytes))
  }

  protected finish (text: string): void {
    const bytes = Buffer.byteLength(text)
    if (bytes === 0) this.response.end(LAST_CHUNK)
    else this.response.end(`${bytes.toString(16)}\r\n${text}\r\n${LAST_CHUNK}`, encodingOf(text, bytes))
  }
}

const LAST_CHUNK = '0\r\n\r\n'
/**
 * From here on text that is not ASCII is written as bytes: while a string waits for its socket, Node holds three bytes for
 * each of its characters.
 */
const LONG_BYTES = 8 * 1024

/** Gives bytes in memory of their own: what waits for a socket shall not hold a part of Node's pool, and so all of its 64 KiB. */
const UTF_8 = new TextEncoder()

/**
 * How a string becomes bytes. ASCII is the same in both; as Latin-1, Node need not look at its characters, and while it waits
 * for its socket holds one byte for each in place of three.
 */
function encodingOf (text: string, bytes: number): BufferEncoding {
  return bytes === text.length ? 'latin1' : 'utf8'
}
