import { exceptionError, unreadable } from './errors.ts'
import type { EventStreamMessage } from './event-stream-reader.ts'
import type { ConverseEvent } from './wire.ts'

/** Events that are read. Others may come with the next version of the service; nothing is known of their payload. */
const KNOWN: ReadonlySet<string> = new Set<keyof ConverseEvent>(['messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata'])

/**
 * A message of ConverseStream as the event that it stands for; without a field where it is none that is known here.
 * @throws {UpstreamError} it is an exception or an error
 * @throws {SyntaxError} an event that is no JSON
 */
export function converseEvent ({ headers, payload }: EventStreamMessage): ConverseEvent {
  switch (headers.messageType) {
    case 'event': return KNOWN.has(headers.eventType) ? { [headers.eventType]: payload === '' ? {} : JSON.parse(payload) } : {}
    case 'exception': throw exceptionError(headers.exceptionType, payload)
    case 'error': throw exceptionError(headers.errorCode, JSON.stringify({ message: headers.errorMessage }))
    default: throw unreadable()
  }
}

/**
 * A piece of text, in it all but quote, backslash and control characters, or escapes as JSON.stringify writes them; `p`
 * is padding against guesses by the length.
 */
const TEXT = /^\{"contentBlockIndex":\d+,"delta":\{"text":("(?:[ !#-[\]-\uffff]|\\["\\bfnrt])+")\}(?:,"p":"\w*")?\}$/
/** Payloads up to this length are looked at: the expression takes memory by it. In characters. */
const MAX_LENGTH = 16 * 1024

/**
 * The JSON of the text that a message brings and that is all it brings, where that is told by its form alone: nearly
 * always, and far quicker than parsing it. Undefined says nothing.
 */
export function textJsonIn ({ headers, payload }: EventStreamMessage): string | undefined {
  if (headers.eventType !== 'contentBlockDelta' || headers.messageType !== 'event' || payload.length > MAX_LENGTH) return undefined
  return TEXT.exec(payload)?.[1]
}
