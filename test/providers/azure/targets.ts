/** What the tests of Azure's ways share: its two kinds of target, as their plugins make them, at one scripted upstream. */
import fastify from 'fastify'
import type { Test } from 'tap'
import type { UpstreamError } from '../../../errors/upstream-error.ts'
import apim from '../../../providers/azure-apim.ts'
import azure from '../../../providers/azure-openai.ts'
import type { Provider } from '../../../providers/provider.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { CompletionStream, StreamEnd, StreamReport } from '../../../streams/completion-stream.ts'
import { upstreamErrorOf } from '../../support/rejection.ts'
import type { Script, ScriptedUpstream } from '../../support/scripted-upstream.ts'

export const KEY = 'key-of-the-deployment'
export const REQUEST: ChatCompletionRequest = { messages: [{ role: 'user', content: 'Hi' }] }
const { signal } = new AbortController()

/** The targets `azure-openai` and `azure-apim`, closed with the test. */
export async function azureTargets (t: Test, { origin }: ScriptedUpstream): Promise<readonly Provider[]> {
  const app = fastify()
  t.teardown(async () => { await app.close() })
  const options = { deployment: 'gpt-4o', apiVersion: '2024-10-21', apiKey: KEY }
  await app.register(azure, { ...options, endpoint: origin })
  await app.register(apim, { ...options, endpoint: `${origin}/openai` })
  return [...app.providers.values()]
}

/** What a target fails with, asked whole and streamed: both are to be the same. */
export async function bothFailures (target: Provider, upstream: ScriptedUpstream, script: Script): Promise<readonly UpstreamError[]> {
  upstream.next(script, script)
  return [await upstreamErrorOf(target.complete({ request: REQUEST, signal })), await upstreamErrorOf(target.stream({ request: REQUEST, signal }))]
}

/** A stream, read to its end. */
export interface ReadStream {
  /** The chunks as they came. */
  readonly chunks: readonly string[]
  readonly end: StreamEnd
  readonly report: StreamReport
}

/** What becomes of a stream that a target is asked for. */
export async function streamFrom (target: Provider, upstream: ScriptedUpstream, script: Script, request: ChatCompletionRequest = REQUEST): Promise<ReadStream> {
  upstream.next(script)
  return await read(await target.stream({ request, signal }))
}

async function read (stream: CompletionStream): Promise<ReadStream> {
  const chunks: string[] = []
  try {
    for await (const json of stream.queue) chunks.push(json)
  } catch {
    // `ended` says why
  }
  return { chunks, end: await stream.ended, report: stream.report }
}
