import type { FailedAttempt } from '../schemas/error.ts'
import { Broken } from './broken.ts'
import { GatewayError } from './errors.ts'
import type { GatewayWords, StreamPosition } from './errors.ts'
import { isObject, objectOf } from './json.ts'

/** What the gateway says about a stream before its frames. */
export interface StreamHead {
  /** `x-gateway-stream-id`; empty where it is not to be seen. */
  readonly id: string
  /** The target that answers. */
  readonly target: string
  /** Whether it is a stream that was asked for before. */
  readonly replayed: boolean
}

/**
 * The head of an answer that is a stream.
 * @throws {GatewayError} another connection would not change it
 * @throws {Broken} it may
 */
export async function headOf (response: Response, position: StreamPosition): Promise<StreamHead> {
  const { headers, status } = response
  if (!response.ok) throw refusalOf(response, await textOf(response), position)
  if (headers.get('content-type')?.startsWith('text/event-stream') !== true) throw new Broken(`The answer (${status}) is no stream of events.`)
  return { id: headers.get('x-gateway-stream-id') ?? '', target: headers.get('x-gateway-target') ?? '', replayed: headers.get('x-gateway-replayed') === 'true' }
}

/** The gateway's error in a body or a frame; undefined if it is none. */
export function wordsOf (body: unknown): GatewayWords | undefined {
  if (!isObject(body) || !isObject(body['error'])) return undefined
  const { message, type, code, param, attempts } = body['error']
  return {
    message: typeof message === 'string' ? message : '',
    type: typeof type === 'string' ? type : 'api_error',
    code: typeof code === 'string' ? code : 'unknown',
    param: typeof param === 'string' ? param : null,
    attempts: Array.isArray(attempts) ? attempts.filter(isAttempt) : undefined
  }
}

function refusalOf ({ status, headers }: Response, text: string, position: StreamPosition): GatewayError | Broken {
  const words = wordsOf(objectOf(text))
  const error = new GatewayError(words ?? { message: `The answer is ${status}, and not in the gateway's words.`, type: 'api_error', code: 'unexpected_answer', param: null, attempts: undefined }, position, {
    status,
    retryAfterMs: retryAfterMs(headers.get('retry-after'))
  })
  // What the gateway says after it has asked every target is its last word, which what stands in front of it has not.
  const mayChange = status === 429 || status === 503 || words?.code === 'stream_not_found' || (words === undefined && (status >= 500 || status === 408 || status === 425))
  return mayChange ? new Broken(error.message, { said: error }) : error
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterMs (value: string | null): number | undefined {
  if (value === null) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function isAttempt (value: unknown): value is FailedAttempt {
  return isObject(value) && typeof value['target'] === 'string' && typeof value['class'] === 'string'
}

/** UTF-16 units of an error body. */
const MAX_ERROR_LENGTH = 64 * 1024

/** What is not read is let go of, with its connection. */
async function textOf ({ body }: Response): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (let read = await reader.read(); !read.done && text.length <= MAX_ERROR_LENGTH; read = await reader.read()) text += decoder.decode(read.value, { stream: true })
    return text
  } finally {
    await reader.cancel().catch(() => {})
  }
}
