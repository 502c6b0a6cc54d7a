import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { IncomingHttpHeaders } from 'node:http'
import type { BedrockOptions } from '../../schemas/provider-options.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { header } from '../../upstream/retry-after.ts'
import { abortError } from '../../upstream/transport-error.ts'
import { signingError } from './errors.ts'

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

/** A handler of the SDK's, which ends with the signed request in place of a response. */
type Handler = (args: { readonly input: ConverseCommandInput }) => Promise<{ readonly response: unknown }>

/** How long a connection to a service that gives out credentials may take to be made, in ms. */
const CONNECT_TIMEOUT_MS = 5000
/** Signatures that are older or newer than five minutes are refused; the SDK corrects its clock from this on, in ms. */
const MAX_SKEW_MS = 4 * 60_000

/**
 * Makes Bedrock's requests with the AWS SDK: serialization, endpoint, credentials (which the SDK keeps until they
 * expire) and signature. It does not send them: a middleware ends the SDK's work where it would.
 */
export class Signer {
  readonly #client: BedrockRuntimeClient
  readonly #handlers: { readonly [operation in Operation]: Handler }

  constructor ({ modelId, region, endpoint }: BedrockOptions) {
    this.#client = new BedrockRuntimeClient({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: 1, // trying again is for whoever has other targets
      // For the services that give out credentials, which take it over. And the SDK's default for Bedrock would have
      // the requests signed for HTTP/2.
      requestHandler: new NodeHttpHandler({ connectionTimeout: CONNECT_TIMEOUT_MS })
    })
    const { middlewareStack, config } = this.#client
    middlewareStack.add(
      () => async ({ request }) => ({ response: request, output: { $metadata: {} } }),
      { step: 'deserialize', priority: 'high', name: 'gatewayHandOver' }
    )
    // Walks through every message to hide what is secret in it, for a logger that there is not.
    middlewareStack.remove('loggerMiddleware')
    // Resolved once: the stack of middleware depends on the operation, and not on its input.
    const input = { modelId, messages: [] }
    this.#handlers = {
      converse: new ConverseCommand(input).resolveMiddleware(middlewareStack, config, {}),
      converseStream: new ConverseStreamCommand(input).resolveMiddleware(middlewareStack, config, {})
    }
  }

  /**
   * A signed request.
   * @throws {UpstreamError} there are no credentials, or the signal's reason, at once
   */
  async sign (operation: Operation, input: ConverseCommandInput, signal: AbortSignal): Promise<SignedRequest> {
    if (signal.aborted) throw abortError(signal)
    const aborted = Promise.withResolvers<never>()
    // Credentials may take seconds, and the SDK does not look at a signal meanwhile.
    const onAbort = (): void => aborted.reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const { response } = await Promise.race([this.#handlers[operation]({ input }), aborted.promise])
      return signedRequest(response)
    } catch (error) {
      throw signingError(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Sets the clock by a refusal's date: a request that was signed by a wrong clock is refused, the next one will not be. */
  correctClock (headers: IncomingHttpHeaders): void {
    const now = Date.now()
    const date = Date.parse(header(headers, 'date') ?? '')
    const { config } = this.#client
    if (Math.abs(now + config.systemClockOffset - date) >= MAX_SKEW_MS) config.systemClockOffset = date - now
  }

  close (): void { this.#client.destroy() }
}

/** @throws {TypeError} the SDK made something else */
function signedRequest (request: unknown): SignedRequest {
  if (!isJsonObject(request)) throw new TypeError('the SDK made no request')
  const { protocol, hostname, port, path, query, headers, body } = request
  if (typeof protocol !== 'string' || typeof hostname !== 'string' || typeof path !== 'string' || !isHeaders(headers) || !(body instanceof Uint8Array)) {
    throw new TypeError('the SDK made a request of another kind')
  }
  return {
    origin: `${protocol}//${hostname}${typeof port === 'number' ? `:${port}` : ''}`,
    path: path + queryOf(query),
    headers,
    body
  }
}

function isHeaders (value: unknown): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every(item => typeof item === 'string')
}

/** Only an endpoint that was configured with a query has one. */
function queryOf (query: unknown): string {
  if (!isJsonObject(query)) return ''
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map(item => typeof item === 'string' ? `${escaped(name)}=${escaped(item)}` : escaped(name)))
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** By RFC 3986, as it was signed. */
function escaped (text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
