import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
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
  const sink = response.chunkedEncoding && socket instanceof Socket ? new ChunkedBody(response, socket) : new PlainBody(response)
  return new Promise((resolve, reject) => {
    const pull = () => pump.pull()
    const settle = () => {
      response.removeListener('close', onClose)
      sink.unwatch(pull)
    }
    const onClose = () => {
      settle()
      pump.stop()
      resolve()
    }
    const pump = new BatchPump(queue, encoder, {
      write: text => sink.write(text),
      end: text => {
        settle()
        sink.end(text)
        resolve()
      },
      abort: error => {
        settle()
        response.destroy()
        reject(error)
      }
    }, keepAlive)
    if (response.destroyed) {
      onClose()
      return
    }
    response.once('close', onClose)
    sink.watch(pull)
    pump.pull()
  })
}

/** Where the batches of one response go, and who tells when it wants more. */
interface Body extends Omit<BatchSink, 'abort'> {
  watch (drained: () => void): void
  unwatch (drained: () => void): void
}

/** The body as Node frames it. */
class PlainBody implements Body {
  readonly #response: ServerResponse

  constructor (response: ServerResponse) {
    this.#response = response
  }

  watch (drained: () => void): void { this.#response.on('drain', drained) }
  unwatch (drained: () => void): void { this.#response.removeListener('drain', drained) }
  write (text: string): boolean { return this.#response.write(text) }
  end (text: string): void { this.#response.end(text) }
}

/** The body as HTTP/1.1 chunks of our own. */
class ChunkedBody implements Body {
  readonly #response: ServerResponse
  readonly #socket: Socket
  #begun = false

  constructor (response: ServerResponse, socket: Socket) {
    this.#response = response
    this.#socket = socket
    // From here on Node passes on what it is given, so that its own bookkeeping of the response stays right.
    response.chunkedEncoding = false
  }

  watch (drained: () => void): void { this.#socket.on('drain', drained) }
  unwatch (drained: () => void): void { this.#socket.removeListener('drain', drained) }

  write (text: string): boolean {
    if (this.#begun) return this.#socket.write(chunk(text))
    this.#begun = true
    return this.#response.write(chunk(text)) // it alone knows the head
  }

  end (text: string): void {
    this.#response.end(text === '' ? LAST_CHUNK : chunk(text) + LAST_CHUNK)
  }
}

const LAST_CHUNK = '0\r\n\r\n'

function chunk (text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}
