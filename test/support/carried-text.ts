/**
 * Servers that say one text, each in its provider's format: from the beginning, or from where a request says that the assistant
 * has come to.
 */
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { Wire } from './wires.ts'
import type { Script, Step } from './scripted-upstream.ts'

/** Blanks where pieces end, what JSON escapes, characters of one to four bytes. */
export const TEXT = 'Once, “twice”,  \n\tor "thrice" – 二十 \\ 😀🎉 and\u2028so on. '

/** The pieces of a text that end at these places. */
export function pieces (text: string, ...ends: readonly number[]): string[] {
  return [0, ...ends].map((from, i) => text.slice(from, ends[i] ?? text.length)).filter(piece => piece !== '')
}

/** What the first of two says, and how the second one cuts it. No place is in both. */
export const FIRST = pieces(TEXT, 5, 14, 17, 24, 35, 40, 44)
const SECOND = [1, 9, 15, 20, 38, 43, 50]

/** All frames, behind the first one, which names the role, of a stream in which the first of two says the text. */
export function framesOfFirst (wire: Wire): readonly Step[] {
  return [...FIRST.map(piece => wire.text(piece)), ...wire.end()]
}

export interface Carrier {
  readonly wire: Wire
  /** Whether what it is given comes again. */
  readonly echoes?: boolean
  /** Told what it was given of the text; undefined: nothing. */
  readonly onGiven?: (text: string | undefined) => void
}

/** The second one: says what follows what it is given, in pieces of its own, and ends in order. */
export function carrying ({ wire, echoes = false, onGiven }: Carrier): Script {
  return async (response, request) => {
    const given = givenIn(request.body)
    onGiven?.(given)
    if (given !== undefined && !TEXT.startsWith(given)) {
      response.writeHead(500).end()
      return
    }
    const from = given === undefined || echoes ? 0 : given.length
    const said = pieces(TEXT.slice(from), ...SECOND.map(end => end - from).filter(end => end > 0))
    await wire.streaming(...said.map(piece => wire.text(piece)), ...wire.end())(response, request)
  }
}

/** The assistant's turn at the end of a request, in whatever format. */
function givenIn (body: JsonObject): string | undefined {
  const turns = Array.isArray(body['messages']) ? body['messages'] : Array.isArray(body['contents']) ? body['contents'] : []
  const last: unknown = turns.at(-1)
  if (!isJsonObject(last) || (last['role'] !== 'assistant' && last['role'] !== 'model')) return undefined
  const content: unknown = last['content'] ?? last['parts']
  if (typeof content === 'string') return content
  const part: unknown = Array.isArray(content) ? content[0] : undefined
  return isJsonObject(part) ? String(part['text']) : undefined
}
