/** Looks at JSON as text, where parsing it would cost more than what is wanted of it. */

/** What can stand in a string. @see https://www.rfc-editor.org/rfc/rfc8259#section-7 */
const CHARACTERS = /[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y // eslint-disable-line no-control-regex

/**
 * Where the string that goes on at `from` ends: its quote, or what is not valid in it, or the text's end.
 * Takes memory by the number of escapes in it, so not for text of any length.
 */
export function endOfString (json: string, from: number): number {
  CHARACTERS.lastIndex = from
  CHARACTERS.test(json) // matches at the least nothing
  return CHARACTERS.lastIndex
}

/**
 * A copy of well-formed text for what is kept: a slice keeps the text alive that it was cut from, which may be all that
 * came in one read.
 */
export function detached (text: string): string { return Buffer.from(text).toString() }
