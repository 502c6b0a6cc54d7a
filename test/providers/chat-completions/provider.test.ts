import t from 'tap'
import type { Test } from 'tap'
import { ChatCompletionsProvider, pathStep } from '../../../providers/chat-completions/provider.ts'
import type { CompletionStream } from '../../../streams/completion-stream.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import { CUT, DONE, finish, hangUp, role, scriptedUpstream, status, streaming, text, usage } from '../../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts'

const REQUEST: ChatCompletionRequest = { model: 'alias', messages: [{ role: 'user', content: 'Hi' }] }
const { signal } = new AbortController()

async function provider (t: Test, { origin }: ScriptedUpstream): Promise<ChatCompletionsProvider> {
  const provider = new ChatCompletionsProvider({
    kind: 'openai',
    model: 'own',
    secrets: ['KEY'],
    endpoint: { baseURL: origin, headers: { 'content-type': 'application/json', 'api-key': 'KEY' }, path: model => `/models/${pathStep(model)}/chat?v=1` }
  })
  t.teardown(async () => await provider.close())
  return provider
}

async function read ({ queue }: CompletionStream): Promise<unknown[]> {
  const chunks: unknown[] = []
  for await (const json of queue) chunks.push(JSON.parse(json))
  return chunks
}

t.test('the request: the target\'s model, everything else as it was', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  const request = { ...REQUEST, temperature: 0.5, user: 'me', unknown: { deep: [1] } }
  await target.complete({ request, signal })
  t.match(await upstream.request(1), { method: 'POST', url: '/models/own/chat?v=1', headers: { 'api-key': 'KEY', 'content-type': 'application/json' } })
  t.same((await upstream.request(1)).body, { ...request, model: 'own' })
  t.same(request.model, 'alias', 'the next target gets the same object')
})

t.test('a stream always asks for usage, and keeps the other stream options', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  const streamOptions = { include_usage: false, include_obfuscation: false }
  for (const [number, request] of [REQUEST, { ...REQUEST, stream_options: null }, { ...REQUEST, stream_options: streamOptions }].entries()) {
    await read(await target.stream({ request, signal }))
    const { body } = await upstream.request(number + 1)
    t.same(body, { ...REQUEST, model: 'own', stream: true, stream_options: { ...(number === 2 ? streamOptions : {}), include_usage: true } })
  }
})

t.test('the usage chunk goes to who asked for it', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  for (const include of [true, false]) {
    upstream.next(streaming(role(), text('a'), finish('stop'), usage(), DONE))
    const stream = await target.stream({ request: { ...REQUEST, stream_options: { include_usage: include } }, signal })
    t.same(await read(stream), [role(), text('a'), finish('stop'), ...(include ? [usage()] : [])])
    t.match(stream.report, { finishReason: 'stop', usage: { total_tokens: 8 } })
  }
})

t.test('a model of the call replaces the target\'s, in the URL and in the body', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  await target.complete({ request: REQUEST, model: 'an/other?', signal })
  t.match(await upstream.request(1), { url: '/models/an%2Fother%3F/chat?v=1', body: { model: 'an/other?' } })
})

t.test('a model that would be a step in the URL\'s path is refused before anything is sent', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  for (const model of ['.', '..']) {
    const failures: unknown[] = []
    await target.complete({ request: REQUEST, model, signal }).catch((error: unknown) => failures.push(error))
    await target.stream({ request: REQUEST, model, signal }).catch((error: unknown) => failures.push(error))
    t.match(failures, [{ reason: 'invalid_request', param: 'model' }, { reason: 'invalid_request', param: 'model' }])
  }
  t.equal(upstream.requests.length, 0)
})

t.test('every status but 2xx is an error, whole and streamed, and a redirect is not followed', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  for (const [code, reason] of [[307, 'malformed'], [400, 'invalid_request'], [429, 'rate_limited'], [503, 'upstream_error']] as const) {
    upstream.next(status(code, '', { location: '/other' }), status(code, '', { location: '/other' }))
    const failures: unknown[] = []
    await target.complete({ request: REQUEST, signal }).catch((error: unknown) => failures.push(error))
    await target.stream({ request: REQUEST, signal }).catch((error: unknown) => failures.push(error))
    t.match(failures, [{ reason, status: code }, { reason, status: code }])
  }
  t.equal(upstream.requests.length, 8)
})

t.test('a stream that breaks fails after what came; as many choices as were asked for are waited for', async t => {
  const upstream = await scriptedUpstream(t)
  const target = await provider(t, upstream)
  upstream.next(streaming(text('a'), CUT))
  const broken = await target.stream({ request: REQUEST, signal })
  t.match(await broken.ended, { kind: 'failed', error: { reason: 'reset' } })
  t.same(broken.queue.drain().map(json => JSON.parse(json)), [text('a')])
  upstream.next(streaming(text('a'), finish('stop')))
  t.match(await (await target.stream({ request: { ...REQUEST, n: 2 }, signal })).ended, { kind: 'failed', error: { reason: 'truncated' } })
  upstream.next(hangUp)
  t.match(await target.stream({ request: REQUEST, signal }).catch((error: unknown) => error), { reason: 'reset' })
})
