import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { GatewayError } from '../errors/gateway-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The first digits of the digest of the caller's key: enough to tell callers apart, useless to pose as one. */
    callerId: string | null
  }
  interface FastifyInstance {
    /** `onRequest` hooks that let only known callers through. */
    auth: {
      /** Any gateway or admin key; everyone, where no gateway keys are configured. */
      readonly caller: onRequestHookHandler
      /** An admin key; nobody, where none are configured. */
      readonly admin: onRequestHookHandler
    }
  }
}

/** Keys by their SHA-256 digests in hex: the keys themselves are never configured. */
export interface AuthOptions {
  /** Empty: open to everyone. */
  readonly apiKeys?: readonly string[]
  /** Empty: admin routes are closed. */
  readonly adminApiKeys?: readonly string[]
}

/**
 * Decorates `fastify.auth`.
 * A key comes as `Authorization: Bearer`, or, as Anthropic's clients send it, as `x-api-key`.
 * @see https://www.rfc-editor.org/rfc/rfc6750 for the `Authorization: Bearer` header
 */
const auth: FastifyPluginAsync<AuthOptions> = async (fastify, { apiKeys = [], adminApiKeys = [] }) => {
  const callers = [...apiKeys, ...adminApiKeys].map(digest => Buffer.from(digest, 'hex'))
  const admins = adminApiKeys.map(digest => Buffer.from(digest, 'hex'))
  const open = apiKeys.length === 0

  fastify.decorateRequest('callerId', null)
  /** Notes who the caller is, or says why not. Hooks that call back: one that is async costs a promise for each request. */
  const admit = (request: FastifyRequest, known: readonly Buffer[]): GatewayError | undefined => {
    const digest = digestOf(request)
    if (!isKnown(digest, known)) return known === admins && isKnown(digest, callers) ? forbidden('This key is not an admin key.') : keyRefused(request)
    request.callerId = idOf(digest)
    return undefined
  }
  fastify.decorate('auth', {
    caller: (request, _reply, done) => {
      done(open ? undefined : admit(request, callers))
    },
    admin: (request, _reply, done) => {
      done(admins.length === 0 ? forbidden('Admin routes are closed: no admin key is configured.') : admit(request, admins))
    }
  })
}

function digestOf ({ headers: { authorization, 'x-api-key': apiKey } }: FastifyRequest): Buffer | undefined {
  const key = authorization === undefined && typeof apiKey === 'string' ? apiKey : /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return key === undefined ? undefined : hash('sha256', key, 'buffer')
}

function idOf (digest: Buffer | undefined): string | null {
  return digest?.toString('hex').slice(0, 8) ?? null
}

/** Compares with every digest, so that the time taken tells nothing of which one matched, or how far. */
function isKnown (digest: Buffer | undefined, known: readonly Buffer[]): boolean {
  if (digest === undefined) return false
  let found = false
  for (const candidate of known) if (timingSafeEqual(digest, candidate)) found = true
  return found
}

function keyRefused (request: FastifyRequest): GatewayError {
  return request.headers.authorization === undefined && request.headers['x-api-key'] === undefined
    ? new GatewayError(401, 'An API key is required: Authorization: Bearer <key>.', { type: 'authentication_error', code: 'missing_api_key' })
    : new GatewayError(401, 'The API key is not valid.', { type: 'authentication_error', code: 'invalid_api_key' })
}

function forbidden (message: string): GatewayError {
  return new GatewayError(403, message, { type: 'permission_error', code: 'forbidden' })
}

export default fp(auth, { name: 'auth', fastify: '5.x' })
