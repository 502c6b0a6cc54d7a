import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'
import type { NamedSchemas } from '../schemas/named-schemas.ts'
import { componentSchemas } from './components.ts'
import type { RegisteredRoute, RouteDescription } from './description.ts'
import { operationOf } from './operation.ts'

const INFO = {
  title: 'LLM stream gateway',
  version: '1',
  description: 'One service between your applications and the LLM providers: it asks the first healthy one, moves to the next when that fails, and streams the answer as Server-Sent Events while it is produced.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
}

const TAGS = [
  { name: 'completions', description: 'Answers of models.' },
  { name: 'streams', description: 'Streams that are joined again.' },
  { name: 'targets', description: 'What can be asked, and how it fares.' },
  { name: 'operation', description: 'For whoever runs the gateway.' },
  { name: 'description', description: 'The gateway in words that machines read.' }
]

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A gateway key, or an admin key. Not wanted where no gateway keys are configured, except by the admin routes.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same, as Anthropic\'s clients send it.' }
} as const

/**
 * Describes routes as OpenAPI 3.1.
 *
 * `@fastify/swagger` wants to be there before the routes that it describes, on their own server; there it would be
 * loaded with every start, and be in the way of a host's own. So it gets a server of its own, which never listens, with the
 * same routes on it.
 * @throws {Error} two schemas that differ have one name
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export async function documentOf (routes: readonly RegisteredRoute[]): Promise<JsonObject> {
  const components = componentSchemas()
  const described = await Promise.all(routes.map(async route => ({ route, description: await route.describe?.() ?? {} })))
  const server = Fastify()
  try {
    await server.register(swagger, {
      openapi: { openapi: '3.1.1', info: INFO, tags: TAGS, components: { securitySchemes: SECURITY_SCHEMES } },
      convertConstToEnum: false
    })
    mute(server)
    for (const { route, description } of described) {
      server.route({ method: route.method, url: route.url, schema: operationOf(route, description, components), handler: async () => {} })
    }
    await server.ready()
    const document: unknown = JSON.parse(JSON.stringify(server.swagger()))
    if (!isJsonObject(document)) throw new Error('the document is no object')
    return completed(document, described, components)
  } finally {
    await server.close()
  }
}

/** Nothing is ever sent or received there. */
function mute (server: FastifyInstance): void {
  server.setValidatorCompiler(() => () => true)
  server.setSerializerCompiler(() => () => '')
}

interface Described {
  readonly route: RegisteredRoute
  readonly description: RouteDescription
}

/** With what `@fastify/swagger` has no place for: named schemas as they are, and examples of bodies. */
function completed (document: JsonObject, described: readonly Described[], { named }: NamedSchemas): JsonObject {
  const paths = isJsonObject(document['paths']) ? document['paths'] : {}
  for (const { route: { method, url }, description: { requests } } of described) {
    const path = paths[url.replace(/:(\w+)/g, '{$1}')]
    const operation = isJsonObject(path) ? path[method.toLowerCase()] : undefined
    const body = isJsonObject(operation) && isJsonObject(operation['requestBody']) ? operation['requestBody']['content'] : undefined
    const media = isJsonObject(body) ? body['application/json'] : undefined
    if (requests !== undefined && isJsonObject(media)) Object.assign(media, { examples: requests })
  }
  return { ...document, components: { securitySchemes: SECURITY_SCHEMES, schemas: Object.fromEntries([...named].sort(([a], [b]) => a < b ? -1 : 1)) } }
}
