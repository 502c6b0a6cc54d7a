import type { JsonObject } from '../schemas/json-object.ts'

/** What is said of a route beyond what it does; for the document alone, so that it is loaded only for that. */
export interface RouteDescription {
  /** Bodies of 200 by their media type, where the route's own `schema.response` does not have them. */
  readonly answers?: Readonly<Record<string, AnswerDescription>>
  /** The body of an error. Default: the gateway's. */
  readonly error?: object
  /** Bodies to ask with. */
  readonly requests?: Readonly<Record<string, Example>>
  /** Headers to ask with, where the route's own `schema.headers` does not have them. */
  readonly headers?: Headers
  /** Headers of 200, beside those that every such route's answers have. */
  readonly answerHeaders?: Headers
  /** What it may answer instead, by the status, beside what follows from how it is guarded and what it takes. */
  readonly failures?: Readonly<Record<number, Failure>>
}

/** Headers, by name; each is a schema. */
export type Headers = Readonly<Record<string, JsonObject>>

/** An error. */
export interface Failure {
  readonly description: string
  readonly headers?: Headers
}

/** Of 429 and 503. */
export const RETRY_AFTER: Headers = { 'retry-after': { type: 'integer', minimum: 1, description: 'When to come back, in seconds.' } }

export interface AnswerDescription {
  /** Of the body; text, where there is none. */
  readonly schema?: object
  /** Of a stream: what stands in the `data:` of its frames. */
  readonly data?: readonly object[]
  readonly examples?: Readonly<Record<string, Example>>
}

/** @see https://spec.openapis.org/oas/v3.1.1.html#example-object */
export interface Example {
  readonly summary: string
  readonly value: unknown
}

/** A route as it was registered. */
export interface RegisteredRoute {
  readonly method: string
  /** With the prefix, and parameters as `:name`. */
  readonly url: string
  readonly schema: object
  readonly access: 'everyone' | 'caller' | 'admin'
  /** Whether targets are asked for the answer. */
  readonly completion: boolean
  readonly describe: (() => Promise<RouteDescription>) | undefined
}
