/**
 * A client of the gateway that sees every byte: requests by fetch, streams frame by frame.
 */
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/** The smallest valid request. */
export const HELLO: JsonObject = { messages: [{ role: 'user', content: 'Say hello' }] }

/** Posts a chat completion: an object as JSON, a string as it is. */
export async function chat (url: string, body: JsonObject | string = HELLO, { headers = {}, signal }: { headers?: Record<string, string>, signal?: AbortSignal } = {}): Promise<Response> {
  return await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal })
  })
}

/** What a client sends as its key. */
export function bearer (key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}

/** A JSON body that is an object; anything else is a failure. */
export async function json (response: Response): Promise<JsonObject> {
  return objectOf(await response.text())
}

/** The `error` of an error body or frame. */
export function errorOf (body: JsonObject): JsonObject {
  const { error } = body
  if (!isJsonObject(error)) throw new Error(`not an error: ${JSON.stringify(body)}`)
  return error
}

/** One frame, as it stood in the stream. */
export interface Frame {
  readonly id: string
  readonly data: string
}

/** Reads a stream's frames as they come; anything that is not `id`, `data` and a blank line is an error, comments apart. */
export class FrameReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  #rest = ''

  constructor (response: Response) {
    if (response.body === null) throw new Error('no body')
    this.#reader = response.body.getReader()
  }

  /** The next frame; undefined at the end of the stream. */
  async next (): Promise<Frame | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n\n')
      if (end >= 0) {
        const block = this.#rest.slice(0, end)
        this.#rest = this.#rest.slice(end + 2)
        if (block.startsWith(':')) continue
        return frameOf(block)
      }
      const { done, value } = await this.#reader.read()
      if (done) {
        if (this.#rest !== '') throw new Error(`the stream ended inside a frame: ${this.#rest}`)
        return undefined
      }
      this.#rest += this.#decoder.decode(value, { stream: true })
    }
  }

  /** All that is left. */
  async rest (): Promise<Frame[]> {
    const frames: Frame[] = []
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) frames.push(frame)
    return frames
  }
}

/** All frames of a stream. */
export async function framesOf (response: Response): Promise<Frame[]> {
  return await new FrameReader(response).rest()
}

/** The text that a stream's chunks add up to. */
export function contentOf (frames: readonly Frame[]): string {
  let content = ''
  for (const { data } of frames) {
    if (data === '[DONE]') continue
    const { choices } = objectOf(data)
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
    if (isJsonObject(choice) && isJsonObject(choice['delta']) && typeof choice['delta']['content'] === 'string') content += choice['delta']['content']
  }
  return content
}

/** JSON text that is an object; anything else is a failure. */
export function objectOf (text: string): JsonObject {
  const value: unknown = JSON.parse(text)
  if (!isJsonObject(value)) throw new Error(`not a JSON object: ${text}`)
  return value
}

function frameOf (block: string): Frame {
  const match = /^id: (\d+)\ndata: ([^\n]*)$/.exec(block)
  if (match?.[1] === undefined || match[2] === undefined) throw new Error(`not a frame: ${JSON.stringify(block)}`)
  return { id: match[1], data: match[2] }
}
