import type { GatewayError } from '../errors/gateway-error.ts'
import { frame, namedFrame, unnumberedFrame } from '../streams/sse-frames.ts'
import type { DialectName } from './dialect.ts'
import { messagesError } from './messages/errors.ts'
import { errorEvent } from './responses/error-event.ts'

/** Where a frame stands that its stream's own encoder did not write. */
export interface Place {
  /** The number of the frame before it; 0: it is the first. */
  readonly after: number
  /** Whether it is one of the stream, and has the next number; otherwise it only says why this connection ends, and has none. */
  readonly ofStream: boolean
  /** The request that is told; null where that is not known. */
  readonly requestId: string | null
}

/**
 * An error as the last frame of a stream that somebody else wrote: all that has to be known of it is its dialect.
 * @param dialect as it was stored; one that this version of the gateway does not know is told in the core's own format
 */
export function errorFrame (dialect: string, error: GatewayError, place: Place): string {
  const { event, data } = isDialect(dialect) ? WRITERS[dialect](error, place) : WRITERS.chat_completions(error, place)
  const json = JSON.stringify(data)
  if (!place.ofStream) return unnumberedFrame(event, json)
  const id = place.after + 1
  return event === undefined ? frame(id, json) : namedFrame(event, id, json)
}

interface Words {
  /** The event's name, in APIs whose clients go by it. */
  readonly event: string | undefined
  readonly data: object
}

const WRITERS: Readonly<Record<DialectName, (error: GatewayError, place: Place) => Words>> = {
  chat_completions: error => ({ event: undefined, data: error.toBody() }),
  // Clients want a number of every event; those of a stream are counted from 0, and its frames from 1.
  responses: (error, { after }) => {
    const { type, ...rest } = errorEvent(error)
    return { event: type, data: { type, sequence_number: after, ...rest } }
  },
  messages: (error, { requestId }) => {
    const data = messagesError(error, requestId)
    return { event: data.type, data }
  }
}

function isDialect (name: string): name is DialectName { return Object.hasOwn(WRITERS, name) }
