import fastify from 'fastify'
import type { Test } from 'tap'
import bedrock from '../../../providers/bedrock.ts'
import type { Provider } from '../../../providers/provider.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { CompletionStream } from '../../../streams/completion-stream.ts'
import { EventStreamServer } from './event-stream-server.ts'

/** What the tests of the Bedrock target share. */

// Before the AWS SDK is loaded: credentials that are nobody's, and no looking for others.
process.env['AWS_ACCESS_KEY_ID'] = 'AKIATESTTESTTESTTEST'
process.env['AWS_SECRET_ACCESS_KEY'] = 'not-a-secret'
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
process.env['AWS_CONFIG_FILE'] = process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nonexistent'
for (const name of ['AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_BEARER_TOKEN_BEDROCK']) delete process.env[name]

export const MODEL = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
export const REQUEST: ChatCompletionRequest = { messages: [{ role: 'user', content: 'Hello' }], stream_options: { include_usage: true } }
/** A caller that stays. */
export const IDLE = new AbortController().signal

/** The plugin's target in a bare app, which is closed with the test. */
export async function providerAt (t: Test, endpoint: string): Promise<Provider> {
  const app = fastify()
  await app.register(bedrock, { modelId: MODEL, region: 'eu-west-1', endpoint })
  const provider = app.providers.get('bedrock')
  if (provider === undefined) throw new Error('no target was added')
  t.teardown(() => app.close())
  return provider
}

/** A server that answers as the test says, and the target for it. */
export async function serverFor (t: Test): Promise<{ server: EventStreamServer, provider: Provider }> {
  const server = await new EventStreamServer().start()
  t.teardown(() => server.stop())
  return { server, provider: await providerAt(t, server.url) }
}

/** What a stream's deltas amount to, and how it ended. */
export async function read ({ queue }: CompletionStream) {
  const result = { content: '', reasoning: '', calls: [] as object[], finish: null, usage: undefined, error: undefined as unknown }
  try {
    for await (const json of queue) {
      const { choices: [choice], usage } = JSON.parse(json)
      result.usage = usage ?? result.usage
      result.content += choice?.delta.content ?? ''
      result.reasoning += choice?.delta.reasoning_content ?? ''
      result.calls.push(...choice?.delta.tool_calls ?? [])
      result.finish = choice?.finish_reason ?? result.finish
    }
  } catch (error) {
    result.error = error
  }
  return result
}
