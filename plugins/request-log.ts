import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { GatewayError } from '../errors/gateway-error.ts'
import type { AttemptUsage } from '../usage/attempt-usage.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a chat completion came to; null on other requests. */
    completion: CompletionSummary | null
    /** The error that the caller was told, or the one that broke its stream; null if there was none. */
    failure: GatewayError | null
  }
}

/** What the log line of a chat completion says; never prompt or answer. */
export interface CompletionSummary {
  /** What was asked for, by a name that the configuration has: `ModelRoutes.nameOf`. */
  readonly model: string
  readonly stream: boolean
  /** The target that answered or was tried last. */
  target: string | null
  /** Targets tried. */
  attempts: number
  /** From the request's arrival to its first real output, in ms. */
  firstOutputMs: number | null
  /** What was answered; of a stream, its live report, since its client may leave at any moment. */
  result: {
    readonly chunks?: number
    readonly finishReason: string | null
  } | null
  /** What it has cost so far, at the target that answered; null while none has. */
  usage: (() => AttemptUsage | null) | null
}

/** A request that is over: answered, or left by its client. */
export interface RequestEnd {
  /** The pattern of its path; null where there is no such path. */
  readonly route: string | null
  /** What it was answered with; 499 if its client left before the end. */
  readonly status: number
  /** Since its arrival. */
  readonly durationMs: number
  readonly failure: GatewayError | null
  readonly completion: CompletionSummary | null
}

export interface RequestLogOptions {
  /** Told of each request when it is over, after it was logged. */
  readonly onEnd?: OnRequestEnd
}

export type OnRequestEnd = (end: RequestEnd, request: FastifyRequest) => void

/** Paths, below the prefix, whose requests are too many and too dull for the log; they are at `debug`. */
export const QUIET = ['/healthz', '/readyz', '/metrics']

/**
 * One log line when a request ends, whether it was answered or its client went away. It hangs on the response's
 * `close`, which comes in every case; Fastify's `onResponse` does not, when a client leaves in the middle of a stream.
 * For it to be the only line, the server has to be made with `disableRequestLogging`.
 */
const requestLog: FastifyPluginAsync<RequestLogOptions> = async (fastify, { onEnd }) => {
  fastify.decorateRequest('completion', null)
  fastify.decorateRequest('failure', null)
  const quiet = new Set(QUIET.map(path => `${fastify.prefix}${path}`))
  fastify.addHook('onRequest', (request, reply, done) => {
    logWhenClosed(request, reply, onEnd, quiet)
    done()
  })
}

/** The line of one request; for what the plugin's hook does not see: unknown paths, which belong to the root. */
export function logWhenClosed (request: FastifyRequest, reply: FastifyReply, onEnd?: OnRequestEnd, quiet: ReadonlySet<string> = new Set()): void {
  reply.raw.on('close', () => logEnd(request, reply, quiet, onEnd))
}

function logEnd (request: FastifyRequest, reply: FastifyReply, quiet: ReadonlySet<string>, onEnd: OnRequestEnd | undefined): void {
  // At the root they are not decorated.
  const { completion = null, failure = null, log }: Partial<FastifyRequest> & Pick<FastifyRequest, 'log'> = request
  const status = reply.raw.writableFinished ? reply.raw.statusCode : 499
  const path = request.routeOptions.url ?? null
  const durationMs = reply.elapsedTime
  const line = lineOf(request.method, path, status, Math.round(durationMs), failure, completion)
  if (path !== null && quiet.has(path)) log.debug(line, 'request ended')
  else log.info(line, 'request ended')
  onEnd?.({ route: path, status, durationMs, failure, completion }, request)
}

/** Written out, as it is made for each request. */
function lineOf (method: string, path: string | null, status: number, durationMs: number, failure: GatewayError | null, completion: CompletionSummary | null): object {
  if (completion === null) return failure === null ? { method, path, status, durationMs } : { method, path, status, durationMs, error: failure.code }
  const { stream, target, attempts, firstOutputMs, result } = completion
  const usage = completion.usage?.() ?? null
  return {
    method,
    path,
    status,
    durationMs,
    error: failure === null ? undefined : failure.code, // what is undefined is left out of the line
    stream,
    target,
    attempts,
    firstOutputMs,
    chunks: result?.chunks ?? null,
    promptTokens: usage?.promptTokens ?? null,
    completionTokens: usage?.completionTokens ?? null,
    usageSource: usage?.source ?? null,
    finishReason: result?.finishReason ?? null
  }
}

export default fp(requestLog, { name: 'request-log', fastify: '5.x' })
