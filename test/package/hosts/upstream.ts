/** A server that speaks the chat completions format: what the hosts of this folder have for a provider. */
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'

export interface Upstream {
  /** As an OpenAI target wants it. */
  readonly baseURL: string
  /** Requests so far. */
  asked: number
  /** Of the next answers; above 299 without a body. */
  status: number
}

const chunk = (delta: object, finishReason: string | null = null) => `data: ${JSON.stringify({
  id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt', choices: [{ index: 0, delta, finish_reason: finishReason }]
})}\n\n`

/** Answers each request with "Hello, world", streamed. */
export async function upstream (t: TestContext): Promise<Upstream> {
  const server = createServer((request, response) => {
    made.asked++
    request.resume()
    if (made.status > 299) return response.writeHead(made.status).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(chunk({ role: 'assistant', content: '' }) + chunk({ content: 'Hello' }) + chunk({ content: ', world' }) + chunk({}, 'stop') + 'data: [DONE]\n\n')
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  const made: Upstream = { baseURL: `http://127.0.0.1:${address.port}/v1`, asked: 0, status: 200 }
  return made
}
