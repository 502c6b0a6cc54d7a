/**
 * The least that a proxy on Node can do with undici: a `node:http` server, a dispatch with a bare handler, bytes copied
 * in both directions, nothing parsed, nothing counted. What the gateway is held against.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Agent } from 'undici'
import type { Dispatcher } from 'undici'

const origin = process.env['UPSTREAM'] ?? ''
const agent = new Agent({ pipelining: 1, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 60_000 })

createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (bytes: Buffer) => parts.push(bytes))
  request.on('end', () => forward(request, response, parts))
}).listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 4096 })

function forward (request: IncomingMessage, response: ServerResponse, parts: readonly Buffer[]): void {
  let controller: Dispatcher.DispatchController | undefined
  response.on('close', () => {
    if (!response.writableFinished) controller?.abort(new Error('the client is gone'))
  })
  agent.dispatch({
    origin,
    path: request.url ?? '/',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer none', accept: request.headers.accept ?? '*/*' },
    body: parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }, {
    onRequestStart (started) { controller = started },
    onResponseStart (_, status, { 'content-type': type, 'content-length': length }) {
      const headers: OutgoingHttpHeaders = {}
      if (typeof type === 'string') headers['content-type'] = type
      if (typeof length === 'string') headers['content-length'] = length
      response.writeHead(status, headers)
    },
    onResponseData (flow, bytes) {
      if (response.write(bytes)) return
      flow.pause()
      response.once('drain', () => { flow.resume() })
    },
    onResponseEnd () { response.end() },
    onResponseError () {
      if (!response.headersSent) response.writeHead(502)
      response.end()
    }
  })
}
