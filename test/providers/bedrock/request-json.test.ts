/** What the gateway sends is what the SDK would send: the same JSON, to the same path. */
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { converseInput } from '../../../providers/bedrock/request.ts'
import { Signer } from '../../../providers/bedrock/signer.ts'
import type { Operation, SignedRequest } from '../../../providers/bedrock/signer.ts'
import { withCacheControl } from '../../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../../schemas/json-object.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import { IDLE, MODEL } from './target.ts'

const ENDPOINT = 'https://proxy.test:8443/some/prefix'
const CLAUDE = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'
const PIXEL = 'iVBORw0KGgo='

const client = new BedrockRuntimeClient({ region: 'eu-west-1', endpoint: ENDPOINT, requestHandler: new NodeHttpHandler() })
/** Ends the SDK's work before it sends anything. */
client.middlewareStack.add(() => async ({ request }) => ({ response: request, output: { $metadata: {} } }), { step: 'deserialize', priority: 'high' })
const signer = new Signer({ region: 'eu-west-1', endpoint: ENDPOINT })
t.teardown(() => {
  client.destroy()
  signer.close()
})

async function bySdk (operation: Operation, request: ChatCompletionRequest, modelId: string): Promise<JsonObject> {
  const input = { modelId, ...converseInput(request, modelId) }
  const command = operation === 'converse' ? new ConverseCommand(input) : new ConverseStreamCommand(input)
  const { response } = await command.resolveMiddleware(client.middlewareStack, client.config, {})({ input })
  if (!isJsonObject(response)) throw new Error('the SDK made no request')
  return response
}

const byGateway = (operation: Operation, request: ChatCompletionRequest, model: string): Promise<SignedRequest> =>
  signer.sign(operation, model, JSON.stringify(converseInput(request, model)), IDLE)

const jsonOf = (bytes: unknown): unknown => bytes instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(bytes)) : undefined

async function same (t: Pick<Test, 'equal' | 'strictSame'>, request: ChatCompletionRequest, model: string, name = model): Promise<void> {
  for (const operation of ['converse', 'converseStream'] as const) {
    const [sdk, own] = await Promise.all([bySdk(operation, request, model), byGateway(operation, request, model)])
    t.equal(own.path, sdk['path'], name)
    t.strictSame(jsonOf(own.body), jsonOf(sdk['body']), name)
  }
}

/** As it was given out with an answer. */
const REASONING: object = { reasoning_content: 'Hm', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 'c2ln' }, { type: 'reasoning.encrypted', index: 1, data: 'AQID/+8=' }] }
const HELLO = { role: 'user', content: 'Hello' } as const

t.test('requests of every kind', async t => {
  const requests: Record<string, ChatCompletionRequest> = {
    plain: { messages: [HELLO] },
    'non-ASCII': { messages: [{ role: 'system', content: 'Antworte auf Deutsch: «ß» \u2028' }, { role: 'user', content: 'Grüße 👋 \ud800 \u0000\u007f"\\/</script>' }] },
    images: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }] }] },
    'base64 that is not well formed': { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iV BO\nRw0-_w' } }] }] },
    files: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Read' }, { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }] }] },
    'tools and their results': {
      messages: [
        HELLO,
        { role: 'assistant', content: 'Well', ...REASONING, tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":null,"y":[1e21,-0,0.1,{"__proto__":{"z":true}}],"":""}' } }] },
        { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: '{"degrees": 21.50}' }] }
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'Does', strict: true, parameters: { type: 'object', properties: { x: { type: ['number', 'null'], default: null, enum: [1, null] } }, required: [], additionalProperties: false } } }],
      tool_choice: 'required'
    },
    'one tool': { messages: [HELLO], tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: { type: 'function', function: { name: 'f' } } },
    settings: { messages: [HELLO], temperature: 0.1, top_p: 1, max_tokens: 5, stop: ['a', '\n'] },
    'a schema': { messages: [HELLO], response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object', properties: { ü: { type: 'number' } }, additionalProperties: false } } } },
    'any JSON': { messages: [HELLO], response_format: { type: 'json_object' } }
  }
  for (const [name, request] of Object.entries(requests)) await same(t, request, MODEL, name)
  await same(t, { messages: [HELLO], reasoning_effort: 'high', tools: [{ type: 'function', function: { name: 'f' } }], parallel_tool_calls: false }, CLAUDE, 'fields of the model')
  await same(t, { messages: [HELLO], reasoning_effort: 'high' }, 'anthropic.claude-opus-4-6-v1', 'effort')
  await same(t, { messages: [HELLO], service_tier: 'flex' }, 'openai.gpt-oss-20b-1:0', 'a service tier')
  const ephemeral = { type: 'ephemeral', ttl: '1h' } as const
  await same(t, { messages: [withCacheControl({ role: 'system', content: 'a' }, ephemeral), withCacheControl(HELLO, ephemeral)], tools: [withCacheControl({ type: 'function', function: { name: 'f' } }, ephemeral)] }, CLAUDE, 'cache points')
  const attached = { type: 'file' as const, file: { file_data: 'data:text/plain;base64,YQ==' }, ...{ citations: { enabled: true } } }
  const video = JSON.parse('{"type":"video_url","video_url":{"url":"data:video/mp4;base64,YQ=="}}')
  await same(t, { messages: [{ role: 'user', content: [attached, { type: 'input_audio', input_audio: { format: 'mp3', data: 'YQ==' } }, video] }] }, 'amazon.nova-pro-v1:0', 'files, audio and video')
})

t.test('models of any name', async t => {
  for (const model of [
    'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a b\'(c)!*~',
    'arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/x:1/2',
    'model-placeholder', 'ü%2F?#&=+;', '%', '...'
  ]) await same(t, { messages: [HELLO] }, model)
})

t.test('any text, any JSON, any bytes', async t => {
  const text = fc.string({ unit: 'binary', minLength: 1 })
  const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  const schema = json.map(rest => ({ ...rest, type: 'object' }))
  const model = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(name => name.isWellFormed() && name !== '.' && name !== '..')
  await fc.assert(fc.asyncProperty(text, text, json, schema, fc.uint8Array({ minLength: 1 }), model, async (system, user, input, schema, bytes, model) => {
    await same(t, {
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: [{ type: 'text', text: user }, { type: 'image_url', image_url: { url: `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}` } }] },
        { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: JSON.stringify(input) } }] },
        { role: 'tool', tool_call_id: 'a', content: user }
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: schema } }]
    }, model, 'whatever its name') // some names would break the lines of TAP
  }), { numRuns: 100 })
})

t.test('headers: those of the SDK that are not about one request alone', async t => {
  const [{ headers: sdk }, { headers: own, body }] = await Promise.all([bySdk('converse', { messages: [HELLO] }, MODEL), byGateway('converse', { messages: [HELLO] }, MODEL)])
  if (!isJsonObject(sdk)) throw new Error('the SDK made no headers')
  for (const name of ['content-type', 'host', 'user-agent', 'x-amz-user-agent']) t.equal(own[name], sdk[name], name)
  t.equal(own['host'], 'proxy.test:8443')
  t.strictSame(Object.keys(own).sort(), ['authorization', 'content-type', 'host', 'user-agent', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-user-agent'])
  t.ok(body.length > 0)
})
