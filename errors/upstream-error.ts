import { classOf } from '../breaker/outcome.ts'
import type { FailureReason, Outcome, OutcomeClass } from '../breaker/outcome.ts'

interface UpstreamErrorDetails {
  /** The upstream's HTTP status, where there was one. */
  readonly status?: number | undefined
  /** How long the upstream asked to be left alone, in ms. */
  readonly retryAfterMs?: number | undefined
  /** The upstream's own error code; shown to the caller only where the caller is at fault. */
  readonly code?: string | undefined
  /** The request field that is wrong, likewise. */
  readonly param?: string | undefined
  readonly cause?: unknown
}

/**
 * An attempt at a target failed; the one error type of all providers.
 *
 * Its message is safe to show: it holds no key, no upstream address and nothing of prompt or answer (a provider that
 * quotes the upstream's own words passes them through `withoutSecrets` first). The `cause` may hold more, and is never
 * logged or sent.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly reason: FailureReason
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly code: string | undefined
  readonly param: string | undefined

  constructor (reason: FailureReason, message: string, { status, retryAfterMs, code, param, cause }: UpstreamErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.code = code
    this.param = param
  }

  get class (): OutcomeClass { return classOf(this.reason) }

  /** What the target's breaker is told. */
  get outcome (): Outcome {
    const { reason } = this
    const kind = classOf(reason)
    switch (kind) {
      case 'cooldown': return { class: kind, reason, retryAfterMs: this.retryAfterMs }
      case 'success': // no reason has this class; the compiler cannot see it
      case 'neutral': return { class: 'neutral', reason }
      case 'failure':
      case 'misconfigured': return { class: kind, reason }
    }
  }
}

/** How an upstream may name itself in its own words: its host, with and without the port. */
export function namesOf (baseURL: string): string[] {
  const { host, hostname } = new URL(baseURL)
  // One without dot and port may be a word of any message.
  return [host, hostname].filter(name => /[.:]/.test(name))
}

/** The longest passage of an upstream's message that is passed on, in characters. */
const MAX_QUOTE = 500

/**
 * An upstream's own words, made fit to be shown to a caller: without the given secrets, without addresses and without
 * anything that looks like a key, on one line, and cut to 500 characters.
 */
export function withoutSecrets (text: string, secrets: readonly string[] = []): string {
  // URLs first, with the secrets in them. Without its limit, the search for a scheme would be quadratic.
  let safe = text.replace(/\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'<>)\]]+/gi, '[url]')
  for (const secret of secrets) if (secret !== '') safe = safe.replaceAll(secret, '[redacted]')
  return safe
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '[address]')
    .replace(/\b(?:sk|pk|rk)-[\w-]{6,}|\bAIza[\w-]{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, '[redacted]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_QUOTE)
}
