import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { DatabaseUnavailableError } from '../db/unavailable.ts'
import { defectOf } from '../errors/defect.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import { errorOfFailure } from '../failover/verdict.ts'
import { GatewayError, invalidRequest, notFound } from '../errors/gateway-error.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route whose API has an error format of its own: the body of an error. Default: OpenAI's. */
    errorBody?: (error: GatewayError, requestId: string) => object
  }
}

/**
 * The one place where errors become HTTP answers, in OpenAI's format or that of the route's API. Applies to the instance that it is registered on
 * and to everything below it.
 */
const errorHandler: FastifyPluginAsync = async fastify => {
  fastify.setErrorHandler<FastifyError | GatewayError>(sendError)
}

/** For `setNotFoundHandler`, by whoever owns the root: there is one for each prefix only. */
export async function sendNotFound (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return sendError(notFound(`There is no ${request.method} ${pathOf(request)} here.`, 'route_not_found'), request, reply)
}

/**
 * For `clientErrorHandler`: what a client sent is not HTTP. There is no request, so the answer goes onto the bare
 * socket; the log gets the parser's code and nothing of what was sent, which may hold keys and prompts.
 */
export function refuseMalformed (this: FastifyInstance, { code }: ConnectionError, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return
  this.log.debug({ code }, 'not a valid HTTP request')
  const status = STATUS_OF_CLIENT_ERROR[code] ?? 400
  const body = JSON.stringify(new GatewayError(status, 'The request is not valid HTTP.', { type: 'invalid_request_error', code: 'malformed_request' }).toBody())
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  socket.destroy()
}

/** When a database that is away may be there again, in ms. */
const DATABASE_RETRY_MS = 5_000
const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }

/** Any error as the one that the caller is told; what is not known becomes a 500 that says nothing of its cause. */
export function toGatewayError (error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  if (!(error instanceof Error)) return internal(error)
  if (error instanceof DatabaseUnavailableError) return databaseUnavailable(error)
  const { validation, validationContext, code, statusCode }: Partial<FastifyError> = error
  if (validation !== undefined) return invalidInput(mostTelling(validation), validationContext)
  switch (code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY': // its own words quote the body
      return invalidRequest('The body is not valid JSON, or has a forbidden key such as "__proto__".', null, 'invalid_json')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new GatewayError(415, 'The body must be application/json.', { type: 'invalid_request_error', code: 'unsupported_media_type' })
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError(413, 'The body is too large.', { type: 'invalid_request_error', code: 'body_too_large' })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return invalidRequest('The body is empty.', null, 'invalid_json')
    case 'FST_ERR_BAD_URL':
      return invalidRequest('The URL is not valid.', null, 'invalid_url')
    default:
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new GatewayError(statusCode, 'The request cannot be read.', { type: 'invalid_request_error', code: code ?? null })
  }
  return internal(error)
}

/** Answers with an error; for `setErrorHandler` and `frameworkErrors` of whoever owns the root. */
export function sendError (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = toGatewayError(error)
  if (known.status >= 500 && known.code === 'internal_error') {
    // The message stays out, as it may quote what was being handled; the stack's lines tell where.
    request.log.error({ error: defectOf(error) }, 'internal error')
  }
  if (known.retryAfterMs !== undefined) void reply.header('retry-after', Math.max(1, Math.ceil(known.retryAfterMs / 1000)))
  if (known.status === 401) void reply.header('www-authenticate', 'Bearer')
  request.failure = known
  void reply.header('x-request-id', request.id) // here too: an unknown path is outside of the scope that sets it
  // 499 is for log and audit: nobody is there to read it.
  const body = request.routeOptions.config.errorBody?.(known, request.id) ?? known.toBody()
  return reply.code(known.status).type('application/json; charset=utf-8').send(body)
}

/** Only of routes that read from it; completions do without. */
function databaseUnavailable (cause: DatabaseUnavailableError): GatewayError {
  return new GatewayError(503, 'The database does not answer.', { type: 'server_error', code: 'database_unavailable', retryAfterMs: DATABASE_RETRY_MS, cause })
}

function internal (cause: unknown): GatewayError {
  return new GatewayError(500, 'The gateway failed to handle the request.', { type: 'server_error', code: 'internal_error', cause })
}

type Fault = NonNullable<FastifyError['validation']>[number]

/** Of a union's branches each complains; the one that got furthest into the value is the one that was meant. */
function mostTelling (faults: readonly Fault[]): Fault | undefined {
  const depth = ({ instancePath, keyword }: Fault) => instancePath.split('/').length + (keyword === 'required' ? 1 : 0)
  return faults.reduce<Fault | undefined>((best, fault) => best === undefined || depth(fault) > depth(best) ? fault : best, undefined)
}

/** What Ajv tells of a fault, as `param` and words. */
function invalidInput (fault: Fault | undefined, context: string | undefined): GatewayError {
  const { instancePath = '', keyword, message = 'is invalid', params = {} } = fault ?? {}
  const missing = keyword === 'required' ? params['missingProperty'] : undefined
  const extra = keyword === 'additionalProperties' ? params['additionalProperty'] : undefined
  const path = [...instancePath.split('/').slice(1), ...[missing, extra].filter(name => typeof name === 'string')]
    .reduce((text, step) => /^\d+$/.test(step) ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`, '')
  const where = path === '' ? `The ${context ?? 'body'}` : path
  const words = missing !== undefined ? 'is required' : extra !== undefined ? 'is not a known field' : keyword === 'type' ? typed(message, params['type']) : allowed(message, params['allowedValues'])
  return invalidRequest(`${where} ${words}.`, path === '' ? null : path, missing !== undefined ? 'missing_required_parameter' : 'invalid_value')
}

function allowed (message: string, values: unknown): string {
  return Array.isArray(values) ? `must be one of ${values.join(', ')}` : message
}

/** Null is not named: it stands for "not set". */
function typed (message: string, types: unknown): string {
  return Array.isArray(types) ? `must be ${types.filter(type => type !== 'null').join(' or ')}` : message
}

function pathOf (request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}

/** What the caller is told of the error that broke a stream of this target. */
export function errorOfStream (target: string, error: Error): GatewayError {
  return error instanceof UpstreamError ? errorOfFailure({ target, error }) : toGatewayError(error)
}

export default fp(errorHandler, { name: 'error-handler', fastify: '5.x', dependencies: ['request-log'] })
