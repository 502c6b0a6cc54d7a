/** What is said of a route beyond what it does; for the document alone, so that it is loaded only for that. */
export interface RouteDescription {
  /** Bodies of 200 by their media type, where the route's own `schema.response` does not have them. */
  readonly answers?: Readonly<Record<string, AnswerDescription>>
  /** The body of an error. Default: the gateway's. */
  readonly error?: object
  /** Bodies to ask with. */
  readonly requests?: Readonly<Record<string, Example>>
}

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
