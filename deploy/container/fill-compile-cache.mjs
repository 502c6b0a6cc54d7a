/**
 * Fills NODE_COMPILE_CACHE while the image is built: starts the gateway as it will be started, once with each kind of database,
 * asks each kind of provider once (nobody answers: it is about the code that is loaded), and ends it.
 *
 *     NODE_COMPILE_CACHE=/cache node fill-compile-cache.mjs /app/dist/server.js
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const [, , server] = process.argv
/** Where nobody listens. */
const NOWHERE = 'http://127.0.0.1:9'
const TARGETS = {
  AZURE_APIM_ENDPOINT: NOWHERE,
  AZURE_APIM_DEPLOYMENT: 'any',
  AZURE_APIM_API_VERSION: 'any',
  AZURE_APIM_KEY: 'any',
  AZURE_OPENAI_ENDPOINT: NOWHERE,
  AZURE_OPENAI_DEPLOYMENT: 'any',
  AZURE_OPENAI_API_VERSION: 'any',
  AZURE_OPENAI_API_KEY: 'any',
  OPENAI_BASE_URL: NOWHERE,
  OPENAI_MODEL: 'any',
  GEMINI_BASE_URL: NOWHERE,
  GEMINI_API_KEY: 'any',
  GEMINI_MODEL: 'any',
  BEDROCK_MODEL_ID: 'any',
  AWS_REGION: 'eu-west-1',
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: NOWHERE,
  AWS_ACCESS_KEY_ID: 'any',
  AWS_SECRET_ACCESS_KEY: 'any'
}
const MESSAGES = [{ role: 'user', content: 'any' }]

for (const database of [{ DATA_DIR: 'memory://' }, { DATABASE_URL: 'postgres://any:any@127.0.0.1:9/any' }]) {
  const gateway = spawn(process.execPath, [server], {
    env: { ...process.env, ...TARGETS, ...database, HOST: '127.0.0.1', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = once(gateway, 'exit')
  const url = await listening(gateway)
  for (const [path, body] of [
    ['/v1/chat/completions', { messages: MESSAGES, stream: true }],
    ['/v1/responses', { model: 'auto', input: 'any' }],
    ['/v1/messages', { model: 'auto', max_tokens: 1, messages: MESSAGES }]
  ]) {
    const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    await response.text()
  }
  for (const path of ['/metrics', '/readyz', '/openapi.json']) await (await fetch(url + path)).text()
  gateway.kill('SIGTERM')
  const [code] = await exited
  if (code !== 0) throw new Error(`the gateway ended with ${code}`)
}

async function listening ({ stdout }) {
  for await (const line of createInterface({ input: stdout })) {
    const url = /listening at (http:\/\/[^"]+)/.exec(line)?.[1]
    if (url !== undefined) {
      stdout.resume() // goes on, unread
      return url
    }
  }
  throw new Error('the gateway did not start')
}
