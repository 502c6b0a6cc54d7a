import { isAscii } from 'node:buffer'
import { crc32 } from 'node:zlib'

/**
 * Reads AWS event stream messages out of bytes that arrive in any cutting.
 *
 *     total length (4) | headers' length (4) | CRC of both (4) | headers | payload | CRC of all before (4)
 * @see https://smithy.io/2.0/aws/amazon-eventstream.html
 */

/** The headers that say what a message is; empty where one was not sent. */
export interface EventStreamHeaders {
  /** `event`, `exception` or `error`. */
  readonly messageType: string
  readonly eventType: string
  readonly exceptionType: string
  readonly errorCode: string
  readonly errorMessage: string
}

export interface EventStreamMessage {
  readonly headers: EventStreamHeaders
  readonly payload: string
}

/** The bytes are no event stream, or were changed on their way. */
export class EventStreamError extends Error {
  override readonly name = 'EventStreamError'
}

const PRELUDE_BYTES = 12
/** Both lengths. */
const LENGTHS_BYTES = 8
const CRC_BYTES = 4
/** The largest message by the specification, in bytes; Converse's are smaller by far. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
/** The largest headers by the specification, in bytes. */
const MAX_HEADERS_BYTES = 128 * 1024
const NOTHING: Buffer = Buffer.alloc(0)

const FIELD_OF_HEADER: ReadonlyMap<string, keyof EventStreamHeaders> = new Map([
  [':message-type', 'messageType'],
  [':event-type', 'eventType'],
  [':exception-type', 'exceptionType'],
  [':error-code', 'errorCode'],
  [':error-message', 'errorMessage']
])

/**
 * Pull-based, so that the caller can stop between two messages when its consumer is full: `push` the bytes, then call
 * `next` until it gives undefined. A message that is cut waits for the rest, which is joined to it once.
 */
export class EventStreamReader {
  readonly #maxBytes: number
  /** Read up to `#at`. */
  #bytes = NOTHING
  #at = 0
  /** What came after `#bytes`. */
  #later: Buffer[] = []
  /** Bytes that are not read yet, in `#bytes` and `#later`. */
  #available = 0
  /** How many of them it takes to go on. */
  #needed = PRELUDE_BYTES
  /** Nearly all messages have the headers of the one before, which need not be read again; undefined if they were not ASCII. */
  #known: { readonly text: string, readonly headers: EventStreamHeaders } | undefined

  constructor (maxBytes: number = MAX_MESSAGE_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Adds bytes, which are kept, not copied. */
  push (bytes: Buffer): void {
    if (this.#available === 0) {
      this.#bytes = bytes
      this.#at = 0
    } else {
      this.#later.push(bytes)
    }
    this.#available += bytes.length
  }

  /**
   * The next complete message, or undefined if more bytes are needed for it.
   * @throws {EventStreamError} a length that makes no sense or exceeds the limit, a wrong checksum, unreadable headers
   */
  next (): EventStreamMessage | undefined {
    if (this.#available < this.#needed) return undefined
    if (this.#later.length > 0) this.#join()
    const bytes = this.#bytes
    const start = this.#at
    const total = bytes.readUInt32BE(start)
    const headersLength = bytes.readUInt32BE(start + 4)
    const preludeCrc = lengthsCrc(bytes, start)
    if (preludeCrc !== bytes.readUInt32BE(start + LENGTHS_BYTES)) throw new EventStreamError('the checksum of a message\'s lengths is wrong')
    if (total > this.#maxBytes) throw new EventStreamError(`a message of ${total} bytes exceeds the limit of ${this.#maxBytes}`)
    if (headersLength > MAX_HEADERS_BYTES) throw new EventStreamError(`headers of ${headersLength} bytes exceed the limit of ${MAX_HEADERS_BYTES}`)
    if (PRELUDE_BYTES + headersLength + CRC_BYTES > total) throw new EventStreamError('the lengths of a message contradict each other')
    if (this.#available < total) {
      this.#needed = total
      return undefined
    }
    const end = start + total - CRC_BYTES
    if (crc32(bytes.subarray(start + LENGTHS_BYTES, end), preludeCrc) !== bytes.readUInt32BE(end)) throw new EventStreamError('the checksum of a message is wrong')
    const message = this.#message(start + PRELUDE_BYTES, headersLength, end)
    this.#needed = PRELUDE_BYTES
    this.#at += total
    this.#available -= total
    if (this.#available === 0) this.#bytes = NOTHING // a stream that waits for its next message holds no memory
    return message
  }

  #join (): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#later])
    this.#at = 0
    this.#later = []
  }

  /** Headers that are known are recognised in the text of both, so that one piece of bytes is decoded and none compared. */
  #message (start: number, headersLength: number, end: number): EventStreamMessage {
    const known = this.#known
    if (known?.text.length === headersLength) {
      const text = this.#bytes.toString('utf8', start, end)
      // What is ASCII in the text is the same in the bytes.
      if (text.slice(0, headersLength) === known.text) return { headers: known.headers, payload: text.slice(headersLength) }
    }
    const payloadStart = start + headersLength
    const bytes = this.#bytes.subarray(start, payloadStart)
    const headers = headersOf(bytes)
    this.#known = isAscii(bytes) ? { text: bytes.toString('latin1'), headers } : undefined
    return { headers, payload: this.#bytes.toString('utf8', payloadStart, end) }
  }
}

/** What a byte adds to a CRC-32: zlib's, without the inversions at its beginning and end. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => ~crc32(Buffer.of(byte), 0xffff_ffff))

/** The CRC-32 of a message's lengths. For so few bytes zlib's takes longer to be called than to count. */
function lengthsCrc (bytes: Buffer, start: number): number {
  let crc = -1
  for (let at = start; at < start + LENGTHS_BYTES; at++) crc = (CRC_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  return ~crc >>> 0
}

function headersOf (bytes: Buffer): EventStreamHeaders {
  const headers: { -readonly [field in keyof EventStreamHeaders]: string } = { messageType: '', eventType: '', exceptionType: '', errorCode: '', errorMessage: '' }
  try {
    for (let at = 0; at < bytes.length;) {
      const typeAt = at + 1 + bytes.readUInt8(at)
      const type = bytes.readUInt8(typeAt)
      const valueAt = typeAt + 1
      const end = valueAt + sizeOf(type, bytes, valueAt)
      if (end > bytes.length) throw new EventStreamError('a header is longer than the headers')
      const field = type === STRING ? FIELD_OF_HEADER.get(bytes.toString('utf8', at + 1, typeAt)) : undefined
      if (field !== undefined) headers[field] = bytes.toString('utf8', valueAt + LENGTH_BYTES, end)
      at = end
    }
  } catch (error) {
    throw error instanceof RangeError ? new EventStreamError('the headers end inside a header', { cause: error }) : error
  }
  return headers
}

const STRING = 7
/** Of a value of variable size: a length goes before it. */
const LENGTH_BYTES = 2

/** The size of a header's value, by its type. */
function sizeOf (type: number, bytes: Buffer, at: number): number {
  switch (type) {
    case 0: // true
    case 1: return 0 // false
    case 2: return 1 // byte
    case 3: return 2 // short
    case 4: return 4 // integer
    case 5: // long
    case 8: return 8 // timestamp
    case 6: // bytes
    case STRING: return LENGTH_BYTES + bytes.readUInt16BE(at)
    case 9: return 16 // UUID
    default: throw new EventStreamError(`a header has the unknown type ${type}`)
  }
}
