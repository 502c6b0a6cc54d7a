/**
 * No upstream host in any error: a provider may name its own without a scheme before it, and no pattern knows that.
 */
import t from 'tap'
import { ChatCompletionsProvider } from '../../../providers/chat-completions/provider.ts'
import { scriptedUpstream, status } from '../../support/scripted-upstream.ts'

t.test('the target\'s own host is kept out of the provider\'s words', async t => {
  const upstream = await scriptedUpstream(t)
  const { port } = new URL(upstream.origin)
  const target = new ChatCompletionsProvider({
    kind: 'openai', model: 'own', secrets: [], endpoint: { baseURL: `http://localhost:${port}`, headers: {}, path: () => '/v1/chat' }
  })
  t.teardown(async () => await target.close())
  upstream.next(status(400, { error: { message: `Invalid URL (POST localhost:${port}/v1/chat)` } }))
  const failure: unknown = await target.complete({ request: { messages: [{ role: 'user', content: 'Hi' }] }, signal: new AbortController().signal }).catch((error: unknown) => error)
  t.match(failure, { reason: 'invalid_request', message: 'Invalid URL (POST [redacted]/v1/chat)' })
})
