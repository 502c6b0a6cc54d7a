/**
 * A limit on the frames of an event stream. The SDK sets aside as much memory as a frame's length says, up to 4 GiB,
 * before the first byte of it has come.
 * @see https://smithy.io/2.0/aws/amazon-eventstream.html
 */

/** The largest payload by the specification, in bytes; Converse's are smaller by far. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** What a frame's length is written in, in bytes; it counts itself. */
const LENGTH_BYTES = 4

/** A frame is longer than the gateway accepts. */
export class FrameTooLargeError extends Error {
  override readonly name = 'FrameTooLargeError'
}

/**
 * Passes the bytes on as they come, however they are cut.
 * @throws {FrameTooLargeError} in place of a frame above the limit; the body is destroyed
 */
export async function * limitFrames (body: AsyncIterable<Uint8Array>, maxBytes = MAX_FRAME_BYTES): AsyncGenerator<Uint8Array, void, undefined> {
  /** Bytes of the frame at hand that are still to come. */
  let left = 0
  /** As far as it was read, `digits` bytes. */
  let length = 0
  let digits = 0
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length;) {
      if (left > 0) {
        const step = Math.min(left, bytes.length - at)
        left -= step
        at += step
        continue
      }
      length = length * 256 + (bytes[at++] ?? 0)
      if (++digits < LENGTH_BYTES) continue
      if (length > maxBytes) {
        if (at > LENGTH_BYTES) yield bytes.subarray(0, at - LENGTH_BYTES) // the frames before it
        throw new FrameTooLargeError('a frame is larger than the gateway accepts')
      }
      left = length - LENGTH_BYTES
      length = digits = 0
    }
    yield bytes
  }
}
