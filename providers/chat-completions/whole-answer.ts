import { UpstreamError } from '../../errors/upstream-error.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { factsOf, outputLengthOf } from '../../streams/chunk-facts.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { isError, objectOf, throwIfBroken } from './answer.ts'
import { inBandError } from './errors.ts'

/**
 * What comes under 200 in place of an event stream: an error, a page, or the whole answer of a server that does not know
 * `stream`.
 */

/** What a body is by the bytes that it begins with; `blank`: these do not tell. */
export type BodyKind = 'events' | 'json' | 'markup' | 'blank'

const BLANK: ReadonlySet<number> = new Set(Buffer.from(' \t\r\n\uFEFF'))
const JSON_BEGINS: ReadonlySet<number> = new Set(Buffer.from('{['))
const MARKUP_BEGINS = Buffer.from('<')[0]

/** The content type is not asked: there are servers that name a wrong one. No field of an event begins with a bracket. */
export function kindOf (bytes: Buffer): BodyKind {
  for (const byte of bytes) {
    if (BLANK.has(byte)) continue
    if (JSON_BEGINS.has(byte)) return 'json'
    return byte === MARKUP_BEGINS ? 'markup' : 'events'
  }
  return 'blank'
}

/** Bytes of a whole answer in place of a stream. */
const MAX_BYTES = 8 * 1024 * 1024

/** Collects such a body. */
export class WholeAnswer {
  readonly #pieces: Buffer[] = []
  #length = 0

  /** Adds bytes, which may not be reused; the first ones hold the answer's bracket. */
  push (bytes: Buffer): void {
    // Blanks before it were read already, or are not missed.
    this.#pieces.push(this.#pieces.length === 0 ? bytes.subarray(bytes.findIndex(byte => JSON_BEGINS.has(byte))) : bytes)
    this.#length += bytes.length
  }

  /** @throws {UpstreamError} `malformed`: it is larger than the gateway accepts */
  check (): void {
    if (this.#length > MAX_BYTES) throw new UpstreamError('malformed', 'The provider\'s answer is larger than the gateway accepts.')
  }

  /**
   * Once it is there to its end: the chunks that would have said the same. Of each choice its message, then its end.
   * @throws {UpstreamError} it is an error, or no answer
   */
  chunks (secrets: readonly string[]): readonly Chunk[] {
    this.check()
    const body = objectOf(Buffer.concat(this.#pieces).toString())
    if (isError(body)) throw inBandError(body, secrets)
    const { choices: list, usage, ...rest } = body
    const choices = (Array.isArray(list) ? list : []).filter(isJsonObject)
    throwIfBroken(choices, secrets)
    const chunk = (change: JsonObject): Chunk => chunkOf({ ...rest, object: 'chat.completion.chunk', ...change })
    const ofChoices = choices.flatMap(choice => {
      const { message, delta = message, finish_reason: finishReason, ...others } = choice
      const said = isJsonObject(delta) ? [chunk({ choices: [{ ...others, delta: indexed(delta), finish_reason: null }] })] : []
      const { index } = others
      return typeof finishReason === 'string' ? [...said, chunk({ choices: [{ index, delta: {}, finish_reason: finishReason }] })] : said
    })
    return isJsonObject(usage) ? [...ofChoices, chunk({ choices: [], usage })] : ofChoices
  }
}

function chunkOf (body: JsonObject): Chunk {
  return { json: JSON.stringify(body), facts: factsOf(body), characters: outputLengthOf(body) }
}

/** A message as a delta: its calls are counted. */
function indexed (message: JsonObject): JsonObject {
  const { tool_calls: calls } = message
  return Array.isArray(calls) ? { ...message, tool_calls: calls.map((call, index) => isJsonObject(call) ? { index, ...call } : call) } : message
}
