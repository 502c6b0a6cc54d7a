import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { chunkOf, chunksOf } from './answers.ts'
import type { AnswerPlan } from './answers.ts'

/** A target that answers as the request's text says (`AnswerPlan` as JSON), a chunk at a time. */
export interface SoakUpstream {
  readonly port: number
  /** Answers under way. */
  readonly open: () => number
  /** Answers that the gateway has broken off. */
  readonly broken: () => number
  close (): Promise<void>
}

export async function startUpstream (): Promise<SoakUpstream> {
  let open = 0
  let broken = 0
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    open++
    response.on('close', () => {
      open--
      if (!response.writableFinished) broken++
    })
    response.on('error', () => {})
    void answer(request, response)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', 4096, resolve) })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    open: () => open,
    broken: () => broken,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => { server.close(resolve) })
    }
  }
}

async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  try {
    for await (const bytes of request.setEncoding('utf8')) body += String(bytes)
  } catch {
    return // the gateway left
  }
  const plan = planIn(body)
  if (plan === undefined) {
    response.writeHead(400).end()
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let n = 0
  const say = () => { response.write(`data: ${chunkOf(plan, n++)}\n\n`) }
  say()
  const timer = setInterval(() => {
    say()
    if (n < chunksOf(plan)) return
    clearInterval(timer)
    response.end('data: [DONE]\n\n')
  }, plan.gapMs)
  response.on('close', () => clearInterval(timer))
}

function planIn (body: string): AnswerPlan | undefined {
  const content: unknown = at(at(at(JSON.parse(body), 'messages'), '0'), 'content')
  if (typeof content !== 'string') return undefined
  const plan: unknown = JSON.parse(content)
  return { seed: Number(at(plan, 'seed')), texts: Number(at(plan, 'texts')), gapMs: Number(at(plan, 'gapMs')) }
}

function at (value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined
}
