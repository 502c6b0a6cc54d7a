import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/**
 * Cuts a response off whose client takes nothing: something waits for it, and for `stallMs` (up to twice that) nothing of
 * it has left. A client that is merely slow is not cut, unless it takes longer than that for all that was written at once,
 * which Node tells only when it is all gone. Watches until the response has closed, also after its end was
 * written, as what was written last may wait for ever, too.
 *
 * One timer a response, which looks at the socket's counters, instead of one that is set anew with each write.
 */
export function cutWhenStalled (response: ServerResponse, stallMs: number): void {
  const { socket } = response
  if (!(socket instanceof Socket) || response.destroyed) return
  /** What had left at the last look, in bytes; -1: nothing was waiting then. */
  let leftBefore = -1
  const look = () => {
    const waiting = socket.writableLength
    const left = socket.bytesWritten - waiting
    if (waiting > 0 && left === leftBefore) {
      response.destroy()
      return
    }
    leftBefore = waiting > 0 ? left : -1
    timer = setTimeout(look, stallMs)
  }
  let timer = setTimeout(look, stallMs)
  response.on('close', () => clearTimeout(timer))
}
