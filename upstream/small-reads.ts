import { buildConnector } from 'undici'
import type { Socket } from 'node:net'

/** What one read of a socket takes at the most, in bytes. */
const READ_BYTES = 16 * 1024

/** Each read goes through it, and is copied out within it. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/**
 * Makes connections whose sockets hold little that nobody has asked for: Node reads 64 KiB at a time, and one read more after
 * its reader has stopped, so that a stream which nobody reads costs 128 KiB for the socket alone; here it is a quarter of it.
 * For connections without TLS; with it, pieces are of 16 KiB as they are.
 * @param timeout how long a connection may take to be made, in ms
 */
export function smallReads (timeout: number): buildConnector.connector {
  const socketOptions = { timeout, allowH2: false, highWaterMark: READ_BYTES }
  const withTls = buildConnector(socketOptions)
  return (options, callback) => {
    if (options.protocol === 'https:') {
      withTls(options, callback)
      return
    }
    let socket: Socket | undefined
    const onread = {
      buffer: shared,
      // Where a read ends is known by where its memory ends, so it gets memory of its own.
      callback: (length: number): boolean => {
        const bytes = Buffer.allocUnsafeSlow(length)
        shared.copy(bytes, 0, 0, length)
        return socket?.push(bytes) ?? false
      }
    }
    buildConnector({ ...socketOptions, onread })(options, (...made) => {
      const [, connected] = made
      socket = connected ?? undefined // before it, nothing is read
      callback(...made)
    })
  }
}
