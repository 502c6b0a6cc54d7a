import { Type } from 'typebox'
import { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { FailoverCall } from './running-call.ts'

const KeptRequest = Type.Object({ requestId: Type.String(), request: ChatCompletionRequest })

/** What another replica has to know to carry a stream on, as text. It holds the prompt. */
export function keptRequest ({ requestId, request }: Pick<FailoverCall, 'requestId' | 'request'>): string {
  return JSON.stringify({ requestId, request })
}

/** The same read; undefined where it is none of this version of the gateway. */
export async function readKeptRequest (text: string): Promise<Pick<FailoverCall, 'requestId' | 'request'> | undefined> {
  const { Check } = await import('typebox/schema') // not at every start, for what hardly ever happens
  const kept: unknown = JSON.parse(text)
  return Check(KeptRequest, kept) ? kept : undefined
}
