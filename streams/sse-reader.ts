/**
 * Reads Server-Sent Events out of bytes that arrive in any cutting.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/** One dispatched event; `type` is empty unless an `event:` line named it. */
export interface SseEvent {
  readonly type: string
  readonly data: string
}

/** Knows some events by sight. */
export interface Recogniser {
  /** Where the data that begins at `at` in `text` ends, if it is known; -1 if not. It holds no line break. */
  endOf (text: string, at: number): number
}

/** An event grew over the limit: the upstream is broken, or hostile. */
export class SseTooLargeError extends Error {
  override readonly name = 'SseTooLargeError'
  readonly code = 'SSE_TOO_LARGE'
}

const LF = 10
const CR = 13
const SPACE = 32
const MAX_ASCII = 127
const DATA = 'data: '
const BYTE_ORDER_MARK = 0xfeff
/** Code units of one event, its unfinished line included. */
const DEFAULT_MAX_EVENT_LENGTH = 8 * 1024 * 1024

/**
 * Pull-based, so that the caller can stop between two events when its consumer is full: `push` the bytes, then call
 * `next` until it gives undefined. What is cut (a character, a line, an event) waits for the rest.
 *
 * Lines end in LF, CRLF or CR; comments and unknown fields are skipped; several `data` lines are joined by LF. An event
 * that the stream leaves unclosed at its end is dropped, as the specification says.
 */
export class SseReader {
  // A byte order mark is looked for by ourselves, since the decoder may not see the first bytes.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #begun = false
  readonly #maxEventLength: number
  /** The decoder may hold the beginning of a character. */
  #midCharacter = false
  /** The beginning of a line whose end has not come; holds no line end, so it is never searched again. */
  #partial = ''
  /** Decoded text, consumed up to `#at`. */
  #text = ''
  #at = 0
  /** The line before ended in CR: a LF that comes next belongs to it. */
  #skipLf = false
  /** CR is rare: without any, half of the searching is spared. */
  #hasCr = false
  #data: string | undefined
  #type = ''

  constructor (maxEventLength: number = DEFAULT_MAX_EVENT_LENGTH) {
    this.#maxEventLength = maxEventLength
  }

  /** Adds bytes; the array may be reused afterwards. */
  push (bytes: Buffer): void {
    let text = this.#decode(bytes)
    if (text === '') return
    if (!this.#begun) {
      this.#begun = true
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1)
    }
    if (!this.#hasCr && text.includes('\r')) this.#hasCr = true
    this.#text = this.#at === this.#text.length ? text : this.#text.slice(this.#at) + text
    this.#at = 0
  }

  /**
   * The next complete event, or undefined if more bytes are needed for it.
   * @throws {SseTooLargeError} the event has outgrown the limit
   */
  next (): SseEvent | undefined {
    const whole = this.#wholeEvent()
    if (whole !== undefined) return { type: '', data: whole }
    for (;;) {
      const line = this.#line()
      if (line === undefined) {
        if (this.#partial.length + (this.#data?.length ?? 0) > this.#maxEventLength) {
          throw new SseTooLargeError(`an event exceeds ${this.#maxEventLength} characters`)
        }
        return undefined
      }
      if (line !== '') {
        this.#field(line)
        continue
      }
      const data = this.#data
      const type = this.#type
      this.#data = undefined
      this.#type = ''
      if (data !== undefined) return { type, data }
    }
  }

  /** The data of the next event, if it lies there whole as one line and is known; undefined: ask `next`. */
  known (recogniser: Recogniser): string | undefined {
    if (!this.#startsWithData()) return undefined
    const from = this.#at + DATA.length
    const end = recogniser.endOf(this.#text, from)
    if (end === -1 || this.#text.charCodeAt(end) !== LF || this.#text.charCodeAt(end + 1) !== LF) return undefined
    this.#at = end + 2
    return this.#text.slice(from, end)
  }

  /** Most reads end with a line, and so with a character: then no decoder has to remember anything. */
  #decode (bytes: Buffer): string {
    const last = bytes[bytes.length - 1]
    if (last === undefined) return ''
    const endsInside = last > MAX_ASCII // perhaps: it may be the end of a character as well
    if (!this.#midCharacter && !endsInside) return bytes.toString()
    this.#midCharacter = endsInside
    return this.#decoder.decode(bytes, { stream: true })
  }

  /** The data of an event that lies there whole as one line, ended by LF LF: what nearly every event is. */
  #wholeEvent (): string | undefined {
    if (!this.#startsWithData()) return undefined
    const end = this.#text.indexOf('\n', this.#at)
    if (end === -1 || this.#text.charCodeAt(end + 1) !== LF) return undefined
    const data = this.#text.slice(this.#at + DATA.length, end)
    this.#at = end + 2
    return data
  }

  /** Whether an event begins here, with its data, in text whose lines end in LF. */
  #startsWithData (): boolean {
    return this.#partial === '' && this.#data === undefined && this.#type === '' && !this.#hasCr && this.#text.startsWith(DATA, this.#at)
  }

  #line (): string | undefined {
    const text = this.#text
    if (this.#skipLf && this.#at < text.length) {
      this.#skipLf = false
      if (text.charCodeAt(this.#at) === LF) this.#at++
    }
    let end = text.indexOf('\n', this.#at)
    if (this.#hasCr) {
      const cr = text.indexOf('\r', this.#at)
      if (cr !== -1 && (end === -1 || cr < end)) end = cr
    }
    if (end === -1) {
      this.#partial += text.slice(this.#at)
      this.#at = text.length
      return undefined
    }
    const line = this.#partial + text.slice(this.#at, end)
    this.#partial = ''
    this.#skipLf = text.charCodeAt(end) === CR
    this.#at = end + 1
    return line
  }

  #field (line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return // a comment
    const name = colon === -1 ? line : line.slice(0, colon)
    if (name !== 'data' && name !== 'event') return
    // One space after the colon belongs to the syntax, a second one to the value.
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1)
    if (name === 'event') this.#type = value
    else this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
  }
}
