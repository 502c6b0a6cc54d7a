/**
 * Asks in each of the clients' dialects, and tells of an answer whether it claims to be complete.
 */
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { objectOf } from '../support/chat-client.ts'
import { eventsOf as messageEventsOf } from '../support/message-events.ts'
import { eventsOf as responseEventsOf } from '../support/response-events.ts'

/** What the client speaks. */
export const DIALECTS = ['chat', 'responses', 'messages'] as const
export type Dialect = typeof DIALECTS[number]

/** A case that takes longer has hung, in ms. */
export const HUNG_MS = 60_000

/** What a client saw of one request. */
export interface Seen {
  readonly status: number
  /** Who answered; null where nobody did. */
  readonly target: string | null
  readonly attempts: string | null
  readonly text: string
  /** `complete`: by everything that the dialect has for it. `error`: one error, at the end. Else what was wrong. */
  readonly ending: string
}

/** Each dialect's route. */
export const PATHS: Readonly<Record<Dialect, string>> = { chat: '/v1/chat/completions', responses: '/v1/responses', messages: '/v1/messages' }

/**
 * One request.
 * @param id the request's, of the caller's choice
 * @throws it hangs, or what comes is not in the dialect's form
 */
export async function askIn (url: string, dialect: Dialect, { model, stream, prompt, id }: { readonly model: string, readonly stream: boolean, readonly prompt: string, readonly id: string }): Promise<Seen> {
  const response = await fetch(url + PATHS[dialect], {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': id },
    body: JSON.stringify({ model, stream, ...bodyOf(dialect, prompt) }),
    signal: AbortSignal.timeout(HUNG_MS)
  })
  const { status, headers } = response
  const body = await response.text()
  const by = { status, target: headers.get('x-gateway-target'), attempts: headers.get('x-gateway-attempts') }
  return { ...by, ...status !== 200 ? { text: '', ending: errorIn(body) } : stream ? READ[dialect](body) : wholeText(dialect, body) }
}

/** What asks in a dialect, but for the model and whether it is to be streamed. */
export function bodyOf (dialect: Dialect, prompt: string): JsonObject {
  switch (dialect) {
    case 'responses': return { input: prompt }
    case 'messages': return { messages: [{ role: 'user', content: prompt }], max_tokens: 100 }
    case 'chat': return { messages: [{ role: 'user', content: prompt }] }
  }
}

type Read = Pick<Seen, 'text' | 'ending'>

/**
 * What a client makes of a stream's body, which may be the beginning of one.
 * @throws it is not in the dialect's form
 */
export function readIn (dialect: Dialect, body: string): Read { return READ[dialect](body) }

/** A stream's body, by dialect. */
const READ: Readonly<Record<Dialect, (body: string) => Read>> = {
  chat: body => {
    const frames = body.split('\n\n')
    if (frames.pop() !== '') return { text: '', ending: 'the last frame is cut' }
    let text = ''
    const others: string[] = []
    for (const [index, frame] of frames.entries()) {
      const [, id, data = ''] = /^id: (\d+)\ndata: ([^\n]*)$/.exec(frame) ?? []
      if (Number(id) !== index + 1) return { text, ending: `frame ${index + 1} is wrong: ${frame}` }
      if (data === '[DONE]' || 'error' in objectOf(data)) others.push(data === '[DONE]' ? 'complete' : 'error')
      else if (others.length > 0) others.push('a chunk')
      else text += deltaOf(data)
    }
    return { text, ending: others.join(', then ') }
  },
  responses: body => {
    const events = responseEventsOf(body)
    const text = events.map(event => event.type === 'response.output_text.delta' ? event.delta : '').join('')
    const ends = events.map(({ type }) => type).filter(type => /^(?:error|response\.(?:completed|failed|incomplete))$/.test(type)).join()
    return { text, ending: ends === 'response.completed' ? 'complete' : ends === 'error,response.failed' ? 'error' : ends }
  },
  messages: body => {
    const events = messageEventsOf(body)
    const text = events.map(({ delta }) => isJsonObject(delta) && typeof delta['text'] === 'string' ? delta['text'] : '').join('')
    const ends = events.map(({ type }) => type).filter(type => type === 'error' || type === 'message_stop' || type === 'message_delta').join()
    return { text, ending: ends === 'message_delta,message_stop' ? 'complete' : ends === 'error' && events.at(-1)?.['type'] === 'error' ? 'error' : ends }
  }
}

function deltaOf (data: string): string {
  const { choices } = objectOf(data)
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const delta = isJsonObject(choice) ? choice['delta'] : undefined
  return isJsonObject(delta) && typeof delta['content'] === 'string' ? delta['content'] : ''
}

/** The text of a whole answer, and whether it says that nothing of it is missing. */
function wholeText (dialect: Dialect, body: string): Read {
  const answer = objectOf(body)
  const { choices, output, content } = answer
  switch (dialect) {
    case 'chat': {
      const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
      const message = isJsonObject(choice) ? choice['message'] : undefined
      return { text: textIn(message), ending: isJsonObject(choice) && choice['finish_reason'] === 'stop' ? 'complete' : 'no finish reason' }
    }
    case 'responses': {
      const message: unknown = Array.isArray(output) ? output[0] : undefined
      const parts: unknown[] = isJsonObject(message) && Array.isArray(message['content']) ? message['content'] : []
      return { text: parts.map(part => textIn(part)).join(''), ending: answer['status'] === 'completed' ? 'complete' : String(answer['status']) }
    }
    case 'messages': {
      const blocks: unknown[] = Array.isArray(content) ? content : []
      return { text: blocks.map(block => textIn(block)).join(''), ending: answer['stop_reason'] === 'end_turn' ? 'complete' : String(answer['stop_reason']) }
    }
  }
}

function textIn (part: unknown): string {
  const { text, content } = isJsonObject(part) ? { text: undefined, content: undefined, ...part } : {}
  return typeof text === 'string' ? text : typeof content === 'string' ? content : ''
}

function errorIn (body: string): string {
  return isJsonObject(objectOf(body)['error']) ? 'error' : 'no error'
}
