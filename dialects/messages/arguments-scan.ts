/**
 * Whether the arguments of a call, as they come piece by piece, are a complete JSON object or list: then only white space
 * may follow. It counts brackets outside of strings and checks nothing else; the text goes on as it is.
 */
export class ArgumentsScan {
  #depth = 0
  #inString = false
  #escaped = false
  #state: 'before' | 'inside' | 'complete' | 'other' = 'before'

  get complete (): boolean { return this.#state === 'complete' }

  push (text: string): void {
    for (let at = 0; at < text.length && this.#state !== 'other'; at++) this.#take(text.charCodeAt(at))
  }

  #take (code: number): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (code === BACKSLASH) this.#escaped = true
      else if (code === QUOTE) this.#inString = false
      return
    }
    if (isSpace(code)) return
    if (this.#state === 'complete') this.#state = 'other' // what follows makes it something else
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      this.#state = 'inside'
      this.#depth++
    } else if (this.#state === 'before') this.#state = 'other' // a number, a word
    else if (code === QUOTE) this.#inString = true
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --this.#depth === 0) this.#state = 'complete'
  }
}

const QUOTE = 34
const BACKSLASH = 92
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** @see https://www.rfc-editor.org/rfc/rfc8259#section-2 */
function isSpace (code: number): boolean { return code === 32 || code === 9 || code === 10 || code === 13 }
