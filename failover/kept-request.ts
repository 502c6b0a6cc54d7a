import { Type } from 'typebox'
import type { Static } from 'typebox'
import { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import { Speaker } from './speaker.ts'

/** Where in which trace a request is, as headers say it: https://www.w3.org/TR/trace-context/ */
export const KeptTrace = Type.Object({
  /** What goes on elsewhere is put below this: the caller's span; the request's own where there is none. */
  traceparent: Type.String(),
  tracestate: Type.Optional(Type.String()),
  /** The request's own span where that is another one. If its replica has died nobody has ever been told of it. */
  request: Type.Optional(Type.String())
})

/** See the schema. */
export type KeptTrace = Static<typeof KeptTrace>

/** Replicas of several versions read it in a rolling deploy: what was added later is optional, and what is not known is passed over. */
const KeptRequest = Type.Object({
  requestId: Type.String(),
  request: ChatCompletionRequest,
  /** Undefined: it is not traced. */
  trace: Type.Optional(KeptTrace),
  /** Undefined: it was kept by a version that did not say. */
  speaker: Type.Optional(Speaker)
})

/** What another replica has to know to carry a stream on. */
export type KeptRequest = Static<typeof KeptRequest>

/** The same as text. It holds the prompt. */
export function keptRequest ({ requestId, request, trace, speaker }: KeptRequest): string {
  return JSON.stringify({ requestId, request, trace, speaker })
}

/** The same read; undefined where it is none of this version of the gateway. */
export async function readKeptRequest (text: string): Promise<KeptRequest | undefined> {
  const { Check } = await import('typebox/schema') // not at every start, for what hardly ever happens
  const kept: unknown = JSON.parse(text)
  return Check(KeptRequest, kept) ? kept : undefined
}
