/**
 * Frames of Server-Sent Events as text: several whole ones in a row, each with an `id:` line of a number. Data of one line
 * holds no line break, so what begins a line is never part of an answer.
 */

/** The number of the last frame; 0 where there is none. */
export function lastIdOf (text: string): number {
  const at = text.lastIndexOf('\nid: ')
  if (at !== -1) return Number.parseInt(text.slice(at + 5), 10)
  return text.startsWith('id: ') ? Number.parseInt(text.slice(4), 10) : 0
}

/** The frames that follow the one with this number; all of them where that is not among them. */
export function framesAfter (text: string, id: number): string {
  const line = `id: ${id}\n`
  const at = text.startsWith(line) ? 0 : text.indexOf(`\n${line}`)
  if (at === -1) return text
  const end = text.indexOf('\n\n', at + 1)
  return end === -1 ? '' : text.slice(end + 2)
}

/** The data of each frame, in order. Lines end in LF alone: others that count as ends of lines elsewhere, U+2028 say, may be data. */
export function dataOf (text: string): string[] {
  return text.split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice('data: '.length))
}
