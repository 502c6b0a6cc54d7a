import { randomUUID } from 'node:crypto'
import Fastify, { LogController } from 'fastify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { GatewayOptions } from './app.ts'
import type { GatewayConfig } from './config/gateway-config.ts'
import { standardOutput } from './log-output.ts'
import config from './plugins/config.ts'
import type { ConfigOptions } from './plugins/config.ts'
import { refuseMalformed, sendError, sendNotFound } from './plugins/error-handler.ts'
import { logWhenClosed } from './plugins/request-log.ts'

/** The largest body, in bytes: room for a few images in base64. */
const BODY_LIMIT = 8 * 1024 * 1024
/** A request's head and body must arrive within this time, in ms. */
const REQUEST_TIMEOUT_MS = 30_000
/** Its head alone, in ms. */
const HEADERS_TIMEOUT_MS = 10_000
/** How often connections are looked over for either, in ms. */
const CHECK_EVERY_MS = 2_000
/** From how many bytes on that wait for a client's socket it gets no more, besides what is written at once. */
const SOCKET_BYTES = 16 * 1024
/**
 * A client that says nothing for so long is probed by TCP, in ms; one that answers ten probes, a second apart, with nothing has
 * vanished without a word, and its request ends.
 */
const PROBE_AFTER_MS = 15_000
/** PGlite's first start takes up to 9 s on a small machine. */
const PLUGIN_TIMEOUT_MS = 60_000
/** What a caller may choose as `x-request-id`: nothing that could forge a header or a log line. */
const REQUEST_ID = /^[\w.:/=+-]{1,128}$/

/** Variables to check, or a configuration that another process has checked already. */
export type ServerOptions = (ConfigOptions | { readonly checked: GatewayConfig }) & {
  /** Default: JSON lines on standard output, at the level of `LOG_LEVEL`. */
  readonly logger?: FastifyServerOptions['logger']
  /** Other processes write to the same standard output. */
  readonly sharesOutput?: boolean
}

/** Log lines are collected up to this many bytes. */
const LOG_WRITE_BYTES = 32 * 1024
/** A pipe takes so many bytes whole (Linux's PIPE_BUF), so that lines of several processes never run into each other. */
const SHARED_LOG_WRITE_BYTES = 4096

/**
 * A server with nothing but the gateway on it, ready but not listening.
 * @throws {ConfigurationError} the variables are wrong
 * @throws {DatabaseUnavailableError} the database cannot be opened
 */
export async function buildServer (options: ServerOptions): Promise<FastifyInstance> {
  const server = await configuredServer(options)
  await addGateway(server)
  return server
}

/**
 * A server that knows its configuration and can log, and has nothing else on it.
 * @throws {ConfigurationError} the variables are wrong
 */
export async function configuredServer ({ logger = true, sharesOutput = false, ...options }: ServerOptions): Promise<FastifyInstance> {
  const server = Fastify({
    logger: logger === true ? { stream: standardOutput(sharesOutput ? SHARED_LOG_WRITE_BYTES : LOG_WRITE_BYTES) } : logger,
    logController: new LogController({ disableRequestLogging: true }), // `plugins/request-log` writes one line instead of two
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CHECK_EVERY_MS, highWaterMark: SOCKET_BYTES, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS },
    pluginTimeout: PLUGIN_TIMEOUT_MS,
    forceCloseConnections: true, // by then the drain has let running requests finish
    return503OnClosing: false, // the drain says it in the gateway's own format
    clientErrorHandler: refuseMalformed,
    frameworkErrors: (error, request, reply) => {
      logWhenClosed(request, reply)
      sendError(error, request, reply)
    },
    genReqId: ({ headers }) => {
      const id = headers['x-request-id']
      return typeof id === 'string' && REQUEST_ID.test(id) ? id : randomUUID()
    }
  })
  return await closedOnFailure(server, async () => {
    if ('checked' in options) server.decorate('config', options.checked)
    else await server.register(config, options)
    server.server.keepAliveTimeout = server.config.keepAliveTimeoutMs
    if (logger === true) server.log.level = server.config.logLevel
  })
}

/**
 * Puts the gateway on a configured server, and makes it ready.
 * @param fleet where it is one process of several: the ways to what they share
 * @throws {DatabaseUnavailableError} the database cannot be opened
 */
export async function addGateway (server: FastifyInstance, fleet: Pick<GatewayOptions, 'pglite' | 'collectAll'> = {}): Promise<void> {
  await closedOnFailure(server, async () => {
    // Loaded here: the primary of several workers has no use for it.
    const { default: gateway } = await import('./app.ts')
    await server.register(gateway, { ...fleet, config: server.config })
    // Outside of the gateway's scope there are only unknown paths left: answered and logged like the rest.
    server.addHook('onRequest', async (request, reply) => { if (request.is404) logWhenClosed(request, reply, server.metrics.requestEnded) })
    server.setErrorHandler(sendError)
    server.setNotFoundHandler(sendNotFound)
    await server.ready()
  })
}

async function closedOnFailure (server: FastifyInstance, step: () => Promise<void>): Promise<FastifyInstance> {
  try {
    await step()
    return server
  } catch (error) {
    await server.close()
    throw error
  }
}
