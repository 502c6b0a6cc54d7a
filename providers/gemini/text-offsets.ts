/**
 * Where in a text, counted in UTF-16 units, a byte of its UTF-8 form is. It keeps no text: only where characters of one
 * size change into those of another, which is next to nothing for most languages, and never more than 2 MiB.
 *
 *     bytes   0          5     7           16
 *             a b c d e  é     二  十  日
 *     units   0          5     6           9
 */
export class TextOffsets {
  /** Ends of runs, in order; of each run's units, all have as many bytes. */
  readonly #byteEnds: number[] = []
  readonly #unitEnds: number[] = []
  /** Bytes a unit of the last run. */
  #size = 0
  #bytes = 0
  #units = 0
  /** The limit is reached: what comes now is not measured. */
  #full = false

  get bytes (): number { return this.#bytes }
  get units (): number { return this.#units }

  /** Adds text, whose UTF-8 form begins where that of the text before ends. */
  add (text: string): void {
    if (this.#full) return
    if (Buffer.byteLength(text) === text.length) this.#run(1, text.length)
    else this.#measure(text)
  }

  /** Adds text of which nothing is known but that it is ASCII. */
  addAscii (length: number): void { this.#run(1, length) }

  /** Adds text that is there as a JSON string, with its quotes. */
  addJson (json: string): void {
    if (this.#full) return
    const body = json.slice(1, -1)
    if (!body.includes('\\')) this.add(body)
    else if (Buffer.byteLength(body) === body.length && !body.includes('\\u')) this.#run(1, body.length - escapesIn(body))
    else this.add(String(JSON.parse(json)))
  }

  /** The unit of a byte. What lies behind the end is the end; undefined for what was not measured. */
  unitAt (byte: number): number | undefined {
    if (byte >= this.#bytes) return this.#full && byte > this.#bytes ? undefined : this.#units
    // The first run that ends behind it.
    let low = 0
    let high = this.#byteEnds.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#byteEnds[middle] ?? 0) > byte) high = middle
      else low = middle + 1
    }
    const byteBegin = low === 0 ? 0 : this.#byteEnds[low - 1] ?? 0
    const unitBegin = low === 0 ? 0 : this.#unitEnds[low - 1] ?? 0
    const units = (this.#unitEnds[low] ?? 0) - unitBegin
    const size = ((this.#byteEnds[low] ?? 0) - byteBegin) / units
    return unitBegin + Math.floor((byte - byteBegin) / size)
  }

  #measure (text: string): void {
    let begin = 0
    let size = 0
    for (let at = 0; at < text.length; at++) {
      const here = text.charCodeAt(at) < 0x80 ? 1 : sizeAt(text, at)
      if (here === size) continue
      this.#run(size, at - begin)
      begin = at
      size = here
    }
    this.#run(size, text.length - begin)
  }

  #run (size: number, units: number): void {
    if (units === 0 || this.#full) return
    const { length } = this.#byteEnds
    if (size !== this.#size && length >= MAX_RUNS) {
      this.#full = true
      return
    }
    this.#bytes += size * units
    this.#units += units
    const at = size === this.#size ? length - 1 : length
    this.#byteEnds[at] = this.#bytes
    this.#unitEnds[at] = this.#units
    this.#size = size
  }
}

/** Escapes of two characters each. */
function escapesIn (body: string): number {
  let count = 0
  for (let at = body.indexOf('\\'); at !== -1; at = body.indexOf('\\', at + 2)) count++
  return count
}

/** Two numbers of 8 bytes at the most for each. */
const MAX_RUNS = 128 * 1024

/** Bytes a unit, of what is no ASCII: both units of a surrogate pair have half of its four, one alone is written as U+FFFD. */
function sizeAt (text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code < 0x800) return 2
  if (isHigh(code)) return isLow(text.charCodeAt(at + 1)) ? 2 : 3
  if (isLow(code)) return at > 0 && isHigh(text.charCodeAt(at - 1)) ? 2 : 3
  return 3
}

function isHigh (code: number): boolean { return code >= 0xd800 && code <= 0xdbff }
function isLow (code: number): boolean { return code >= 0xdc00 && code <= 0xdfff }
