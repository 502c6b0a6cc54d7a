import { ErrorBody } from '../schemas/error.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'
import type { NamedSchemas } from '../schemas/named-schemas.ts'
import { RETRY_AFTER } from './description.ts'
import type { AnswerDescription, Failure, Headers, RegisteredRoute, RouteDescription } from './description.ts'

const REQUEST_ID: Headers = { 'x-request-id': { type: 'string', description: 'The caller\'s own, if it was fit to be one, else a new UUID.' } }
const ATTEMPTS: Headers = { 'x-gateway-attempts': { type: 'integer', minimum: 1, description: 'How many targets were tried.' } }
const ANSWERED: Headers = {
  'x-gateway-target': { type: 'string', description: 'The target that answered.' },
  ...ATTEMPTS,
  'x-gateway-stream-id': { type: 'string', format: 'uuid', description: 'Of the stream; streams only.' }
}
const CHALLENGE: Headers = { 'www-authenticate': { type: 'string', const: 'Bearer' } }

const NOT_READ = {
  400: { description: 'The request is not valid; `param` names the field.' }
} as const satisfies Readonly<Record<number, Failure>>

const BODY_NOT_READ = {
  ...NOT_READ,
  413: { description: 'The body is too large.' },
  415: { description: 'The body is not `application/json`.' }
} as const satisfies Readonly<Record<number, Failure>>

const NOT_ADMITTED = {
  401: { description: 'The key is missing, or not valid.', headers: CHALLENGE }
} as const satisfies Readonly<Record<number, Failure>>

const NOT_ADMIN = {
  ...NOT_ADMITTED,
  403: { description: 'The key is not an admin key, or no admin keys are configured.' }
} as const satisfies Readonly<Record<number, Failure>>

const NOT_ANSWERED = {
  400: { description: 'The request is not valid, the provider says that it is not, its safety system refused it, or no target can express it. `param` names the field.', headers: ATTEMPTS },
  404: { description: 'There is no such model.' },
  429: { description: 'Every target is rate limited.', headers: { ...ATTEMPTS, ...RETRY_AFTER } },
  502: { description: 'Every target failed; `error.attempts` lists them.', headers: ATTEMPTS },
  503: { description: 'Every breaker is open, the gateway has as much to do as it can, or it shuts down; or the stream of a named request cannot be read at the moment.', headers: { ...ATTEMPTS, ...RETRY_AFTER } },
  504: { description: 'The request\'s deadline has passed.', headers: ATTEMPTS }
} as const satisfies Readonly<Record<number, Failure>>

/** What a route may answer instead of what it is for. */
function failuresOf ({ schema, access, completion }: RegisteredRoute, { failures }: RouteDescription): Readonly<Record<string, Failure>> {
  return {
    ...('querystring' in schema ? NOT_READ : {}),
    ...('params' in schema ? { ...NOT_READ, 404: { description: 'There is no such thing.' } } : {}),
    ...('body' in schema ? BODY_NOT_READ : {}),
    ...(access === 'everyone' ? {} : access === 'admin' ? NOT_ADMIN : NOT_ADMITTED),
    ...(completion ? NOT_ANSWERED : {}),
    ...failures,
    500: { description: 'A defect of the gateway; its log says where.' }
  }
}

/** A route's schema for `@fastify/swagger`: what is there, and what follows from how it is guarded. */
export function operationOf (route: RegisteredRoute, description: RouteDescription, components: NamedSchemas): JsonObject {
  const { body, response, querystring, ...rest }: JsonObject = { body: undefined, response: undefined, querystring: undefined, ...route.schema }
  return {
    ...rest,
    ...(isJsonObject(querystring) ? { querystring: withoutDefaults(querystring) } : {}),
    ...(isJsonObject(body) ? { body: components.refer(body) } : {}),
    ...(description.headers === undefined ? {} : { headers: { type: 'object', properties: description.headers } }),
    security: route.access === 'everyone' ? [] : [{ bearer: [] }, { apiKey: [] }],
    response: {
      ...Object.fromEntries(Object.entries(failuresOf(route, description)).map(([status, failure]) => [status, failureOf(failure, description.error ?? ErrorBody, components)])),
      ...Object.fromEntries(Object.entries(response ?? {}).flatMap(([status, schema]) => isJsonObject(schema) ? [[status, answerOf(status, { 'application/json': { schema } }, {}, components)]] : [])),
      ...(description.answers === undefined ? {} : { 200: answerOf('200', description.answers, { ...(route.completion ? ANSWERED : {}), ...description.answerHeaders }, components) })
    }
  }
}

/** What has a default is filled in where it is left out, so nobody has to send it. */
function withoutDefaults (schema: JsonObject): JsonObject {
  const { required, properties } = schema
  if (!Array.isArray(required) || !isJsonObject(properties)) return schema
  const hasDefault = (name: unknown) => typeof name === 'string' && isJsonObject(properties[name]) && 'default' in properties[name]
  return { ...schema, required: required.filter(name => !hasDefault(name)) }
}

function failureOf ({ description, headers = {} }: Failure, error: object, components: NamedSchemas): JsonObject {
  return { description, headers: { ...REQUEST_ID, ...headers }, content: { 'application/json': { schema: components.refer({ ...error }) } } }
}

function answerOf (status: string, bodies: Readonly<Record<string, AnswerDescription>>, headers: Headers, components: NamedSchemas): JsonObject {
  return {
    description: status === '200' ? 'The answer.' : 'Not now.',
    headers: { ...REQUEST_ID, ...headers },
    content: Object.fromEntries(Object.entries(bodies).map(([mediaType, { schema, data, examples }]) => [mediaType, {
      schema: schema === undefined ? textOf(data, components) : components.refer({ ...schema }),
      ...(examples === undefined ? {} : { examples })
    }]))
  }
}

/** OpenAPI 3.1 has no words for what is in a stream; tools that do not know ours take it for text. */
function textOf (data: readonly object[] | undefined, components: NamedSchemas): JsonObject {
  if (data === undefined) return { type: 'string' }
  return { type: 'string', description: 'Server-Sent Events. `x-data` is the schema of what stands in `data:`.', 'x-data': { anyOf: data.map(schema => components.refer({ ...schema })) } }
}
