/** The smallest proxy on Node: a `node:http` server, a `node:http` client, streams piped, nothing parsed. */
import { Agent, createServer, request as ask } from 'node:http'

const { hostname, port, host } = new URL(process.env['UPSTREAM'] ?? '')
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 4096 })

createServer((request, response) => {
  const headers = { ...request.headers, host }
  const forwarded = ask({ agent, hostname, port, method: request.method, path: request.url, headers }, answer => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  forwarded.on('error', () => {
    if (!response.headersSent) response.writeHead(502)
    response.end()
  })
  response.on('close', () => { if (!response.writableFinished) forwarded.destroy() })
  request.pipe(forwarded)
}).listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 4096 })
