import { Type } from 'typebox'
import { objectOf } from '../schemas/json-object.ts'
import { chatCompletions } from './chat-completions.ts'
import type { Dialect } from './dialect.ts'
import { AskedMessage } from './messages/head.ts'
import { messages } from './messages.ts'
import { AskedResponse, responses } from './responses.ts'

const Kept = Type.Object({
  asked: Type.Unknown(),
  /** As text. */
  request: Type.String()
})

/**
 * What is kept of a stream for another replica to carry it on: the request as the core keeps it, and what its dialect has to know
 * of it. Of chat completions it is the former alone. Versions of the gateway that take over nothing else do not read the rest, and so
 * do not go on in the wrong format.
 */
export function keptIn ({ asked }: Pick<Dialect, 'asked'>, request: string): string {
  return asked === undefined ? request : JSON.stringify({ asked, request })
}

/**
 * The way back.
 * @param dialect as it was stored
 * @returns undefined where it is none of this version of the gateway
 */
export async function readKept (dialect: string, text: string): Promise<{ readonly dialect: Dialect, readonly request: string } | undefined> {
  if (dialect === chatCompletions.name) return { dialect: chatCompletions, request: text }
  const { Check } = await import('typebox/schema') // not at every start, for what hardly ever happens
  const kept: unknown = objectOf(text)
  if (!Check(Kept, kept)) return undefined
  const { asked, request } = kept
  if (dialect === 'responses' && Check(AskedResponse, asked)) return { dialect: responses(asked), request }
  if (dialect === 'messages' && Check(AskedMessage, asked)) return { dialect: messages(asked), request }
  return undefined
}
