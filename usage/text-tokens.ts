/**
 * About how many tokens text has, without a tokenizer: each model has its own, and running one takes the event loop for
 * as long as the text is. Characters are weighed by their script instead. The weights are what OpenAI's newer vocabulary
 * (o200k) comes to in running text, a little above it for scripts that other vocabularies are worse at. Prose in any
 * language and code are met within some 25 %; random letters and digits are counted short by half.
 */

/** Characters that are looked at at the most, so that no text takes longer than a millisecond; of more, evenly spread windows. */
const MAX_WEIGHED = 64 * 1024
/** Characters of one window. */
const WINDOW = 64

/** Tokens a character. */
const LETTER = 0.2
const SPACE = 0.2
const LINE_BREAK = 0.4
const DIGIT = 0.5
const PUNCTUATION = 0.55
const CONTROL = 1

const ASCII = Float64Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[A-Za-z]/.test(character)) return LETTER
  if (character === ' ') return SPACE
  if (/[\t\r\n]/.test(character)) return LINE_BREAK
  if (/[0-9]/.test(character)) return DIGIT
  return code < 32 || code === 127 ? CONTROL : PUNCTUATION
})

/** Beyond ASCII: the tokens of each code unit, from the first one that a range begins with, up to the next range. */
const SCRIPTS: ReadonlyArray<readonly [from: number, tokens: number]> = [
  [0x0000, 0.8], // letters with marks, between plain ones that weigh less
  [0x0300, 0.4], // Greek
  [0x0400, 0.3], // Cyrillic
  [0x0500, 0.4], // Armenian, Hebrew, Arabic, the scripts of India, Thai …
  [0x1e00, 0.6], // Vietnamese
  [0x2000, 0.7], // typographic punctuation, arrows, symbols
  [0x2e00, 0.8], // kana, Han
  [0xac00, 0.65], // Hangul
  [0xd800, 0.9], // one half of a surrogate pair: emoji, and what is rare
  [0xe000, 0.8] // compatibility and full-width forms
]

/** The same for each 256 code units. */
const PAGES = Float64Array.from({ length: 256 }, (_, page) => SCRIPTS.findLast(([from]) => page << 8 >= from)?.[1] ?? 0)

/** About how many tokens these texts have together: not rounded, and 0 only for no text at all. */
export function textTokens (texts: readonly string[]): number {
  let length = 0
  for (const text of texts) length += text.length
  if (length <= MAX_WEIGHED) {
    let tokens = 0
    for (const text of texts) tokens += weigh(text, 0, text.length)
    return tokens
  }
  const stride = WINDOW * Math.ceil(length / MAX_WEIGHED)
  let tokens = 0
  let weighed = 0
  let at = 0 // where the next window begins, in the text at hand
  for (const text of texts) {
    for (; at < text.length; at += stride) {
      const end = Math.min(at + WINDOW, text.length)
      tokens += weigh(text, at, end)
      weighed += end - at
    }
    at -= text.length
  }
  return tokens * length / weighed
}

function weigh (text: string, from: number, to: number): number {
  let tokens = 0
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    tokens += (code < ASCII.length ? ASCII[code] : PAGES[code >>> 8]) ?? 0
  }
  return tokens
}
