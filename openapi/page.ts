import type { IncomingMessage, ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import { notFound } from '../errors/gateway-error.ts'
import type { JsonObject } from '../schemas/json-object.ts'

/** A document as a page that can be browsed. */
export interface Page {
  /** Answers a request for a path at or below the page's. */
  serve (request: IncomingMessage, response: ServerResponse): void
  close (): Promise<void>
}

/** The page loads nothing from elsewhere, and its styles alone are written into it. */
const CONTENT_SECURITY_POLICY = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'base-uri': ["'self'"],
  'object-src': ["'none'"],
  'frame-ancestors': ["'self'"]
}

/**
 * Makes the page of a document: Swagger UI, with everything that it is made of.
 *
 * On a server of its own, which never listens, since its plugins cannot be added to one that does.
 * @param path where it stands
 */
export async function pageOf (document: JsonObject, path: string): Promise<Page> {
  const server = Fastify()
  await server.register(swagger, { mode: 'static', specification: { document: { openapi: '3.1.1', info: { title: '', version: '' }, paths: {}, ...document } } })
  await server.register(swaggerUi, { routePrefix: path, staticCSP: CONTENT_SECURITY_POLICY, theme: { title: 'LLM stream gateway' }, uiConfig: { docExpansion: 'list', tryItOutEnabled: false } })
  server.setNotFoundHandler(async (_request, reply) => await reply.code(404).send(notFound('There is no such file here.', 'route_not_found').toBody()))
  await server.ready()
  return {
    serve: (request, response) => { server.routing(request, response) },
    close: async () => { await server.close() }
  }
}
