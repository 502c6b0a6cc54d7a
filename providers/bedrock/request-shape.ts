import { isJsonObject } from '../../schemas/json-object.ts'
import { uriEncoded } from './signature-v4.ts'

/** How requests to an operation authenticate. */
export type AuthScheme =
  | { readonly kind: 'sigv4', readonly region: string, readonly service: string }
  | { readonly kind: 'bearer', readonly token: string }

/** What requests to an operation have in common: all but the model in the path, the body, and what depends on them. */
export interface RequestShape {
  /** Scheme, host and port. */
  readonly origin: string
  /** The path around the model. */
  readonly path: { readonly before: string, readonly after: string }
  /** Without the `?`. Only an endpoint that was configured with a query has one. */
  readonly query: string
  /** Headers that are signed. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers that proxies may change, and that are not signed. */
  readonly unsignedHeaders: Readonly<Record<string, string>>
  readonly scheme: AuthScheme
}

/** Headers that are the same in all requests; the others are about the one request, or made by who sends it. */
const SIGNED: ReadonlySet<string> = new Set(['content-type', 'host', 'x-amz-user-agent'])
const UNSIGNED: ReadonlySet<string> = new Set(['user-agent'])
const SIGV4 = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/
const BEARER = /^Bearer (.+)$/

/**
 * The shape of a request that the AWS SDK has made and signed.
 * @param model which the request asks for
 * @throws {TypeError} the SDK made something else
 */
export function requestShape (request: unknown, model: string): RequestShape {
  if (!isJsonObject(request)) throw new TypeError('the SDK made no request')
  const { protocol, hostname, port, path, query, headers } = request
  if (typeof protocol !== 'string' || typeof hostname !== 'string' || typeof path !== 'string' || !isHeaders(headers)) {
    throw new TypeError('the SDK made a request of another kind')
  }
  const modelAt = path.lastIndexOf(model)
  if (modelAt === -1) throw new TypeError('the SDK made a request without the model in its path')
  const lowerCase = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value])
  return {
    origin: `${protocol}//${hostname}${typeof port === 'number' ? `:${port}` : ''}`,
    path: { before: path.slice(0, modelAt), after: path.slice(modelAt + model.length) },
    query: queryOf(query),
    headers: Object.fromEntries(lowerCase.filter(([name]) => SIGNED.has(name))),
    unsignedHeaders: Object.fromEntries(lowerCase.filter(([name]) => UNSIGNED.has(name))),
    scheme: schemeOf(new Map(lowerCase).get('authorization') ?? '')
  }
}

function schemeOf (authorization: string): AuthScheme {
  const [, region, service] = SIGV4.exec(authorization) ?? []
  if (region !== undefined && service !== undefined) return { kind: 'sigv4', region, service }
  const token = BEARER.exec(authorization)?.[1]
  if (token !== undefined) return { kind: 'bearer', token }
  throw new TypeError('the SDK authenticated a request in another way')
}

function isHeaders (value: unknown): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every(item => typeof item === 'string')
}

function queryOf (query: unknown): string {
  if (!isJsonObject(query)) return ''
  return Object.entries(query).flatMap(([name, value]) => [value].flat().map(item => typeof item === 'string' ? `${uriEncoded(name)}=${uriEncoded(item)}` : uriEncoded(name))).join('&')
}
