/**
 * A server for each kind of target, all of them well: each answers whatever it is asked, streamed or whole, with "Hello".
 */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { event, START, STOP, text, USAGE } from '../providers/bedrock/event-stream-server.ts'
import { scriptedUpstream } from './scripted-upstream.ts'

// The AWS SDK takes credentials from the process's environment: nobody's, and none that it would look for.
process.env['AWS_ACCESS_KEY_ID'] = 'AKIATESTTESTTESTTEST'
process.env['AWS_SECRET_ACCESS_KEY'] = 'not-a-secret'
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
process.env['AWS_CONFIG_FILE'] = process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nonexistent'
for (const name of ['AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_BEARER_TOKEN_BEDROCK']) delete process.env[name]

export interface FakeProviders {
  /** The variables that point the gateway at them. */
  readonly env: Readonly<Record<string, string>>
  readonly origins: readonly string[]
}

const GEMINI = { candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 } }
const BEDROCK = { output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } }, stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }, metrics: { latencyMs: 1 } }

/** Starts them, for as long as the test runs; `key` is what each wants to see. */
export async function fakeProviders (t: Test, key: string): Promise<FakeProviders> {
  const chat = await scriptedUpstream(t)
  const other = await answering(t, (url, response) => {
    if (url.includes(':streamGenerateContent')) response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(GEMINI)}\n\n`)
    else if (url.includes(':generateContent')) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(GEMINI))
    else if (url.endsWith('/converse-stream')) response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' }).end(Buffer.concat([START, text('Hello'), event('contentBlockStop', { contentBlockIndex: 0 }), STOP, USAGE]))
    else if (url.endsWith('/converse')) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(BEDROCK))
    else response.writeHead(404).end()
  })
  return {
    env: {
      AZURE_APIM_ENDPOINT: `${chat.origin}/openai`,
      AZURE_APIM_DEPLOYMENT: 'd',
      AZURE_APIM_API_VERSION: '2024-10-21',
      AZURE_APIM_KEY: key,
      AZURE_OPENAI_ENDPOINT: chat.origin,
      AZURE_OPENAI_DEPLOYMENT: 'd',
      AZURE_OPENAI_API_VERSION: '2024-10-21',
      AZURE_OPENAI_API_KEY: key,
      OPENAI_BASE_URL: chat.baseURL,
      OPENAI_API_KEY: key,
      OPENAI_MODEL: 'm',
      GEMINI_BASE_URL: other,
      GEMINI_API_KEY: key,
      GEMINI_MODEL: 'gemini-2.5-flash',
      BEDROCK_MODEL_ID: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: other
    },
    origins: [chat.origin, other]
  }
}

async function answering (t: Test, answer: (url: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => answer(request.url ?? '', response))
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(async () => {
    const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
    server.closeAllConnections()
    await closed
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}
