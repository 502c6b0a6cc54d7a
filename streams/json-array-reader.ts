/**
 * Reads the elements of a JSON array out of bytes that arrive in any cutting: objects, one after the other. A body that
 * is one object is read as an array of that one.
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */

/** What came is no array of objects, or one of them has outgrown the limit. */
export class JsonArrayError extends Error {
  override readonly name = 'JsonArrayError'
}

/** What comes next. `first`: the array, or the object in place of it; `none`: the body is complete. */
type Expected = 'first' | 'element or end' | 'element' | 'comma or end' | 'rest of element' | 'none'

/** What has a meaning outside of a string, and inside of one. */
const STRUCTURE = /["[\]{}]/g
const STRING = /["\\]/g
const SPACE = /[^ \t\n\r]/g
const QUOTE = 34
const BACKSLASH = 92
const OPENING: ReadonlySet<number> = new Set([91, 123]) // [ {
/** Code units of one element. */
const DEFAULT_MAX_ELEMENT_LENGTH = 8 * 1024 * 1024

/**
 * Pull-based, as the reader of Server-Sent Events: `push` the bytes, then call `next` until it gives undefined. What is
 * cut waits for the rest; no character is looked at twice. Elements are found by their brackets: whether one is valid
 * JSON is for who parses it.
 */
export class JsonArrayReader {
  // It takes a byte order mark away.
  readonly #decoder = new TextDecoder()
  readonly #maxElementLength: number
  #expected: Expected = 'first'
  /** The body is an array, and not one object. */
  #array = false
  /** The beginning of an element whose end has not come. */
  #partial = ''
  /** Decoded text, consumed up to `#at`. */
  #text = ''
  #at = 0
  /** Brackets that are open in the element, the place inside of a string, and behind a backslash in it. */
  #depth = 0
  #inString = false
  #escaped = false

  constructor (maxElementLength: number = DEFAULT_MAX_ELEMENT_LENGTH) {
    this.#maxElementLength = maxElementLength
  }

  /** Whether the array has been closed: all that was to come has come. */
  get complete (): boolean { return this.#expected === 'none' }

  /** Adds bytes; the array may be reused afterwards. */
  push (bytes: Uint8Array): void {
    this.#text = this.#text.slice(this.#at) + this.#decoder.decode(bytes, { stream: true })
    this.#at = 0
  }

  /**
   * The JSON text of the next complete element, or undefined if more bytes are needed for it.
   * @throws {JsonArrayError} what came is no array of objects, goes on behind its end, or holds one that is too long
   */
  next (): string | undefined {
    for (;;) {
      if (this.#expected === 'rest of element') return this.#element()
      SPACE.lastIndex = this.#at
      const found = SPACE.exec(this.#text)
      if (found === null) {
        this.#at = this.#text.length
        return undefined
      }
      this.#at = found.index
      this.#structure(found[0])
    }
  }

  /** Takes what stands between the elements. */
  #structure (character: string): void {
    const expected = this.#expected
    if (character === '{' && (expected === 'first' || expected === 'element' || expected === 'element or end')) {
      this.#expected = 'rest of element' // which begins with this bracket
      return
    }
    if (character === '[' && expected === 'first') {
      this.#array = true
      this.#expected = 'element or end'
    } else if (character === ',' && expected === 'comma or end') {
      this.#expected = 'element'
    } else if (character === ']' && (expected === 'comma or end' || expected === 'element or end')) {
      this.#expected = 'none'
    } else {
      throw new JsonArrayError('the text is no JSON array of objects')
    }
    this.#at++
  }

  #element (): string | undefined {
    const text = this.#text
    const begin = this.#at
    const end = this.#endOfElement(begin)
    const length = this.#partial.length + (end === -1 ? text.length : end) - begin
    if (length > this.#maxElementLength) throw new JsonArrayError(`an element exceeds ${this.#maxElementLength} characters`)
    if (end === -1) {
      this.#partial += text.slice(begin)
      this.#at = text.length
      return undefined
    }
    const element = this.#partial + text.slice(begin, end)
    this.#partial = ''
    this.#at = end
    this.#expected = this.#array ? 'comma or end' : 'none'
    return element
  }

  /** Where the element ends that goes on at `from`; -1 if it does not end here. */
  #endOfElement (from: number): number {
    const text = this.#text
    let at = from
    for (;;) {
      if (this.#escaped) {
        if (at === text.length) return -1
        this.#escaped = false
        at++
      }
      const special = this.#inString ? STRING : STRUCTURE
      special.lastIndex = at
      if (!special.test(text)) return -1
      at = special.lastIndex
      const code = text.charCodeAt(at - 1)
      if (code === QUOTE) this.#inString = !this.#inString
      else if (code === BACKSLASH) this.#escaped = true
      else if (OPENING.has(code)) this.#depth++
      else if (--this.#depth === 0) return at
    }
  }
}
