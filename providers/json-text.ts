/** Looks at JSON as text, where parsing it would cost more than what is wanted of it. */

/** What ends a string, begins an escape in it, or must not be in it. */
const SPECIAL = /["\\\u0000-\u001f]/g // eslint-disable-line no-control-regex
const BACKSLASH = 92
/** @see https://www.rfc-editor.org/rfc/rfc8259#section-7 */
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Where the string that goes on at `from` ends: its quote, or what is not valid in it, or the text's end. */
export function endOfString (json: string, from: number): number {
  SPECIAL.lastIndex = from
  while (SPECIAL.test(json)) { // and not `exec`, which makes an array of each match
    const special = SPECIAL.lastIndex - 1
    ESCAPE.lastIndex = special
    if (json.charCodeAt(special) !== BACKSLASH || !ESCAPE.test(json)) return special
    SPECIAL.lastIndex = ESCAPE.lastIndex
  }
  return json.length
}

/**
 * A copy of well-formed text for what is kept: a slice keeps the text alive that it was cut from, which may be all that
 * came in one read.
 */
export function detached (text: string): string { return Buffer.from(text).toString() }
