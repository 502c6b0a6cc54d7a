import type { RouteDescription } from './description.ts'

/** The routes of the description itself. */
export const openapiJson: RouteDescription = {
  answers: { 'application/json': { schema: { type: 'object', description: 'An OpenAPI 3.1 document.', externalDocs: { url: 'https://spec.openapis.org/oas/v3.1.1.html' } } } }
}
export const docs: RouteDescription = { answers: { 'text/html': {} } }
export const configSchema: RouteDescription = {
  answers: { 'application/schema+json': { schema: { type: 'object', description: 'A JSON Schema.' } } }
}
