/**
 * A client of one request on a connection of its own, which it leaves as a test says.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { HELLO } from './chat-client.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/** How a client leaves: by closing its connection in order, or by breaking it. */
export const WAYS_TO_LEAVE = ['FIN', 'RST'] as const
export type WayToLeave = typeof WAYS_TO_LEAVE[number]

export class BareClient {
  readonly #socket: Socket
  #received = ''
  #wake = () => {}

  /** Asks for a completion. `share` of the body is sent, by default all of it. */
  constructor (url: string, body: JsonObject = { ...HELLO, stream: true }, share = 1) {
    this.#socket = connect(Number(new URL(url).port), '127.0.0.1')
    this.#socket.on('error', () => {}) // the gateway may break it
    this.#socket.setEncoding('utf8').on('data', (piece: string) => {
      this.#received += piece
      this.#wake()
    })
    const text = JSON.stringify(body)
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`
    this.#socket.write(head + text.slice(0, Math.floor(text.length * share)))
  }

  /** Waits until this has come. */
  async has (text: string): Promise<void> {
    while (!this.#received.includes(text)) await new Promise<void>(resolve => { this.#wake = resolve })
  }

  leave (way: WayToLeave): void {
    if (way === 'FIN') this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }
}
