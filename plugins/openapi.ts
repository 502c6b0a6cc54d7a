import type {} from '@fastify/swagger' // the types of a route's words: summary, tags …
import type { FastifyPluginAsync, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { RegisteredRoute, RouteDescription } from '../openapi/description.ts'
import type { Page } from '../openapi/page.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the API's description says of a route beyond its schema: loaded only for it, and no serializer is made of it. */
    describe?: () => Promise<RouteDescription>
  }
  interface FastifyInstance {
    /** The description of the routes that are registered after the plugin, on its instance or below. */
    openapi: {
      /** As OpenAPI 3.1, in JSON; made when it is first asked for. */
      document (): Promise<string>
      /** Answers a request for the page at `path`, or for what belongs to it. */
      page (path: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
    }
  }
}

/**
 * Decorates `fastify.openapi`.
 *
 * Here routes are only noted, which costs nothing; what makes a document of them is loaded when one is asked for. It is
 * none of `@fastify/swagger`'s decorators that a host may have.
 */
const openapi: FastifyPluginAsync = async fastify => {
  const routes: RegisteredRoute[] = []
  fastify.addHook('onRoute', route => {
    if (route.method !== 'HEAD' && route.schema?.hide !== true) routes.push(registered(route))
  })

  const document = once(async () => await (await import('../openapi/document.ts')).documentOf(routes))
  const json = once(async () => JSON.stringify(await document()))
  const pages = new Map<string, () => Promise<Page>>()
  const made: Page[] = []

  fastify.decorate('openapi', {
    document: json,
    page: async (path, request, reply) => {
      let page = pages.get(path)
      if (page === undefined) pages.set(path, page = once(async () => await pageAt(path)))
      const { serve } = await page()
      void reply.hijack()
      reply.raw.setHeader('x-request-id', request.id)
      serve(request.raw, reply.raw)
      return reply
    }
  })
  fastify.addHook('onClose', async () => {
    for (const page of made) await page.close()
  })

  async function pageAt (path: string): Promise<Page> {
    const { pageOf } = await import('../openapi/page.ts')
    const page = await pageOf(await document(), path)
    made.push(page)
    return page
  }

  function registered ({ method, url, schema, onRequest, preHandler, config }: RouteOptions): RegisteredRoute {
    const { auth, overload } = fastify
    return {
      method: String(method),
      url,
      schema: schema ?? {},
      access: onRequest === auth.admin ? 'admin' : onRequest === auth.caller ? 'caller' : 'everyone',
      completion: Array.isArray(preHandler) && preHandler.includes(overload.guard),
      describe: config?.describe
    }
  }
}

/** What is made when it is first wanted, and anew if that failed. */
function once<T> (make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return async () => {
    made ??= make()
    try {
      return await made
    } catch (error) {
      made = undefined
      throw error
    }
  }
}

export default fp(openapi, { name: 'openapi', fastify: '5.x', dependencies: ['auth', 'overload'] })
