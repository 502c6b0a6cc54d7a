import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { BedrockOptions } from '../../schemas/provider-options.ts'
import type { CallSignal } from '../../streams/call-signal.ts'
import { header } from '../../upstream/retry-after.ts'
import { abortError } from '../../upstream/transport-error.ts'
import { signingError } from './errors.ts'
import { requestShape } from './request-shape.ts'
import type { RequestShape } from './request-shape.ts'
import { SignatureV4, amzDate, uriEncoded } from './signature-v4.ts'
import type { Credentials } from './signature-v4.ts'

/** The operations that the gateway uses. */
export type Operation = 'converse' | 'converseStream'

/** A request as it must go out: nothing in it may be changed without making its signature wrong. */
export interface SignedRequest {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** With what requests authenticate. */
type Identity =
  | { readonly kind: 'sigv4', readonly signature: SignatureV4, readonly credentials: Credentials }
  | { readonly kind: 'bearer', readonly token: string }

/** All that it takes to make requests to an operation. */
interface Ready {
  readonly shape: RequestShape
  readonly identity: Identity
  /** Until when the SDK need not be asked again, in ms of `Date.now()`. */
  readonly until: number
}

/** Makes the SDK make a request, and gives it in place of a response. */
type Handler = (args: { readonly input: { readonly modelId: string, readonly messages: [] } }) => Promise<{ readonly response: unknown }>

/** The model of the requests that the SDK makes. */
const PLACEHOLDER = 'model-placeholder'
/** How long a connection to a service that gives out credentials may take to be made, in ms. */
const CONNECT_TIMEOUT_MS = 5000
/** Signatures that are older or newer than five minutes are refused; the clock is corrected from this on, as by the SDK, in ms. */
const MAX_SKEW_MS = 4 * 60_000
/** How long before they expire the SDK renews credentials, in ms. */
const RENEWAL_MS = 5 * 60_000
/** How long a token is used, whose expiry is not told; the SDK renews one five minutes before it expires. In ms. */
const TOKEN_MS = 60_000

/**
 * Makes Bedrock's requests.
 *
 * The AWS SDK is asked for what does not depend on the request, and not again before credentials expire: it makes and
 * signs an empty request, which shows endpoint, headers and the way to authenticate, and gives the credentials of its
 * default chain. What is left for each request (the path with the model, the time, the signature) is done here.
 */
export class Signer {
  readonly #client: BedrockRuntimeClient
  readonly #handlers: { readonly [operation in Operation]: Handler }
  readonly #ready = new Map<Operation, Ready>()
  /** Questions that the SDK has not answered yet. */
  readonly #asked = new Map<Operation, Promise<Ready>>()
  #clockOffsetMs = 0
  #correctsClock = true

  constructor ({ region, endpoint }: Pick<BedrockOptions, 'region' | 'endpoint'>) {
    this.#client = new BedrockRuntimeClient({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: 1, // trying again is for whoever has other targets
      // For the services that give out credentials, which take it over. And the SDK's default for Bedrock would have
      // the requests made for HTTP/2.
      requestHandler: new NodeHttpHandler({ connectionTimeout: CONNECT_TIMEOUT_MS })
    })
    const { middlewareStack, config } = this.#client
    middlewareStack.add(
      () => async ({ request }) => ({ response: request, output: { $metadata: {} } }),
      { step: 'deserialize', priority: 'high', name: 'gatewayHandOver' }
    )
    const input = { modelId: PLACEHOLDER, messages: [] }
    this.#handlers = {
      converse: new ConverseCommand(input).resolveMiddleware(middlewareStack, config, {}),
      converseStream: new ConverseStreamCommand(input).resolveMiddleware(middlewareStack, config, {})
    }
  }

  /**
   * A signed request.
   * @param json its body
   * @throws {UpstreamError} there are no credentials, or the signal's reason, at once
   */
  async sign (operation: Operation, model: string, json: string, signal: CallSignal): Promise<SignedRequest> {
    if (signal.aborted) throw abortError(signal)
    try {
      const known = this.#ready.get(operation)
      const { shape, identity } = known !== undefined && Date.now() < known.until ? known : await this.#prepare(operation, signal)
      const { origin, query } = shape
      const path = shape.path.before + uriEncoded(model) + shape.path.after
      const body = Buffer.from(json)
      return { origin, path: query === '' ? path : `${path}?${query}`, headers: this.#headers(shape, identity, path, body), body }
    } catch (error) {
      throw signingError(error)
    }
  }

  /** Sets the clock by a refusal's date: a request that was signed by a wrong clock is refused, the next one will not be. */
  correctClock (headers: IncomingHttpHeaders): void {
    const now = Date.now()
    const date = Date.parse(header(headers, 'date') ?? '')
    if (this.#correctsClock && Math.abs(now + this.#clockOffsetMs - date) >= MAX_SKEW_MS) this.#clockOffsetMs = date - now
  }

  close (): void { this.#client.destroy() }

  #headers ({ headers, unsignedHeaders, query }: RequestShape, identity: Identity, path: string, body: Buffer): Record<string, string> {
    if (identity.kind === 'bearer') return { ...headers, ...unsignedHeaders, authorization: `Bearer ${identity.token}` }
    const { signature, credentials } = identity
    const bodyHash = hash('sha256', body)
    const signed: Record<string, string> = { ...headers, 'x-amz-content-sha256': bodyHash, 'x-amz-date': amzDate(Date.now() + this.#clockOffsetMs) }
    if (credentials.sessionToken) signed['x-amz-security-token'] = credentials.sessionToken
    const authorization = signature.authorization({ method: 'POST', path, query, headers: signed, bodyHash }, credentials)
    return { ...signed, ...unsignedHeaders, authorization }
  }

  /** What the SDK says. It does not look at a signal while it fetches credentials, which may take seconds. */
  async #prepare (operation: Operation, signal: CallSignal): Promise<Ready> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([this.#askOnce(operation), aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Requests that come while the SDK is asked wait for the one answer. */
  #askOnce (operation: Operation): Promise<Ready> {
    let answer = this.#asked.get(operation)
    if (answer === undefined) {
      answer = this.#ask(operation).finally(() => this.#asked.delete(operation))
      this.#asked.set(operation, answer)
    }
    return answer
  }

  async #ask (operation: Operation): Promise<Ready> {
    const { config } = this.#client
    const { response } = await this.#handlers[operation]({ input: { modelId: PLACEHOLDER, messages: [] } })
    const shape = requestShape(response, PLACEHOLDER)
    this.#correctsClock = !await config.disableClockSkewCorrection()
    const ready = { shape, ...(shape.scheme.kind === 'bearer' ? { identity: shape.scheme, until: Date.now() + TOKEN_MS } : await this.#credentials(shape.scheme)) }
    this.#ready.set(operation, ready)
    return ready
  }

  async #credentials (scheme: { readonly region: string, readonly service: string }): Promise<Pick<Ready, 'identity' | 'until'>> {
    const credentials = await this.#client.config.credentials()
    const { expiration } = credentials
    return {
      identity: { kind: 'sigv4', signature: new SignatureV4(scheme), credentials },
      until: expiration === undefined ? Infinity : expiration.getTime() - RENEWAL_MS
    }
  }
}
