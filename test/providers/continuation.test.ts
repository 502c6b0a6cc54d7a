/**
 * What is asked of each provider's server where an answer is to be carried on.
 */
import fastify from 'fastify'
import t from 'tap'
import bedrockPlugin from '../../providers/bedrock.ts'
import geminiPlugin from '../../providers/gemini.ts'
import azurePlugin from '../../providers/azure-openai.ts'
import openaiPlugin from '../../providers/openai.ts'
import type { Provider } from '../../providers/provider.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { OpenAIOptions } from '../../schemas/provider-options.ts'
import { collected } from '../support/collected-stream.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { bedrock, chatCompletions, gemini } from '../support/wires.ts'
import './bedrock/target.ts' // credentials that are nobody's

const request: ChatCompletionRequest = { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hi' }], max_tokens: 7 }
const upstream = await scriptedUpstream(t)

async function withProvider<T> (register: (app: ReturnType<typeof fastify>) => void, use: (provider: Provider) => Promise<T>): Promise<T> {
  const app = fastify()
  register(app)
  await app.ready()
  try {
    const provider = app.providers.get('x')
    if (provider === undefined) throw new Error('no provider')
    return await use(provider)
  } finally {
    await app.close()
  }
}

/** Has an answer carried on; gives what was asked of the server. */
async function asked (provider: Provider, continuation: { readonly text: string } | undefined): Promise<object> {
  const stream = await provider.stream({ request, signal: new AbortController().signal, ...continuation === undefined ? {} : { continuation } })
  await collected(stream)
  return upstream.requests.at(-1)?.body ?? {}
}

const openai = (continuation?: OpenAIOptions['continuation']) => (app: ReturnType<typeof fastify>) => {
  void app.register(openaiPlugin, { name: 'x', baseURL: upstream.baseURL, model: 'm', ...continuation === undefined ? {} : { continuation } })
}

t.test('the chat completions format: as the configuration says that the server understands it', async t => {
  upstream.otherwise = chatCompletions.streaming(chatCompletions.text('x'), ...chatCompletions.end())
  for (const [continuation, continues] of [[undefined, 'none'], ['none', 'none'], ['continue_final_message', 'prefix'], ['prefix', 'prefix'], ['prefix_echoed', 'prefix_echoed']] as const) {
    t.equal(await withProvider(openai(continuation), async provider => provider.continues?.({ request, model: undefined })), continues)
  }
  const all = [...request.messages, { role: 'assistant', content: 'Hel' }]
  t.same(await withProvider(openai('continue_final_message'), async provider => await asked(provider, { text: 'Hel' })), {
    messages: all, max_tokens: 7, model: 'm', stream: true, stream_options: { include_usage: true }, continue_final_message: true, add_generation_prompt: false
  })
  for (const how of ['prefix', 'prefix_echoed'] as const) {
    t.same(await withProvider(openai(how), async provider => await asked(provider, { text: 'Hel' })), {
      messages: [...request.messages, { role: 'assistant', content: 'Hel', prefix: true }], max_tokens: 7, model: 'm', stream: true, stream_options: { include_usage: true }
    })
  }
  t.same(await withProvider(openai('prefix'), async provider => await asked(provider, undefined)), { ...request, model: 'm', stream: true, stream_options: { include_usage: true } }, 'otherwise nothing is different')
  t.equal(request.messages.length, 2, 'the next target gets the same request')
})

t.test('Azure does not', async t => {
  const register = (app: ReturnType<typeof fastify>) => { void app.register(azurePlugin, { name: 'x', endpoint: upstream.origin, deployment: 'd', apiVersion: 'v', apiKey: 'k' }) }
  t.equal(await withProvider(register, async provider => provider.continues?.({ request, model: undefined })), 'none')
})

t.test('Gemini: a turn of the model, where the configuration says so', async t => {
  upstream.otherwise = gemini.streaming(gemini.text('x'), ...gemini.end())
  const google = (continuation?: 'none' | 'model_turn') => (app: ReturnType<typeof fastify>) => {
    void app.register(geminiPlugin, { name: 'x', baseURL: upstream.origin, apiKey: 'k', model: 'gemini-2.5-flash', ...continuation === undefined ? {} : { continuation } })
  }
  t.equal(await withProvider(google(), async provider => provider.continues?.({ request, model: undefined })), 'none')
  t.equal(await withProvider(google('model_turn'), async provider => provider.continues?.({ request, model: undefined })), 'prefix')
  t.match(await withProvider(google('model_turn'), async provider => await asked(provider, { text: 'Hel' })), {
    contents: [{ role: 'user', parts: [{ text: 'Hi' }] }, { role: 'model', parts: [{ text: 'Hel' }] }]
  })
})

t.test('Bedrock: a message of the assistant, for Claude up to 4.5', async t => {
  upstream.otherwise = bedrock.streaming(bedrock.text('x'), ...bedrock.end())
  const register = (app: ReturnType<typeof fastify>) => {
    void app.register(bedrockPlugin, { name: 'x', modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0', region: 'eu-west-1', endpoint: upstream.origin })
  }
  await withProvider(register, async provider => {
    for (const [model, continues] of [
      [undefined, 'prefix'], ['eu.anthropic.claude-3-haiku-20240307-v1:0', 'prefix'], ['anthropic.claude-opus-4-1-20250805-v1:0', 'prefix'], ['anthropic.claude-haiku-4-5-20251001-v1:0', 'prefix'],
      ['anthropic.claude-opus-4-6-v1', 'none'], ['anthropic.claude-opus-5-v1', 'none'], ['anthropic.claude-v2:1', 'none'], ['amazon.nova-pro-v1:0', 'none'], ['meta.llama3-1-70b-instruct-v1:0', 'none'],
      ['arn:aws:bedrock:eu-west-1:1:application-inference-profile/x', 'none']
    ] as const) t.equal(provider.continues?.({ request, model }), continues, model ?? 'its own')
    const cited: ChatCompletionRequest = { messages: [{ role: 'user', content: [Object.assign({ type: 'file' as const, file: { file_data: 'data:text/plain;base64,eA==', filename: 'x.txt' } }, { citations: { enabled: true } })] }] }
    t.equal(provider.continues?.({ request: cited, model: undefined }), 'none', 'citations count from the beginning')
    t.match(await asked(provider, { text: 'Hel' }), { messages: [{ role: 'user', content: [{ text: 'Hi' }] }, { role: 'assistant', content: [{ text: 'Hel' }] }] })
  })
})
