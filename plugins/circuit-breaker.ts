/**
 * Circuit breakers for whatever a service calls. Works by itself: without the `breaker-store` plugin the states live in
 * memory.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { CircuitBreakers } from '../breaker/circuit-breakers.ts'
import type { BreakerEvent } from '../breaker/events.ts'
import { MemoryBreakerStore } from '../breaker/memory-store.ts'
import type { BreakerPolicy } from '../breaker/policy.ts'
import type { BreakerStore } from '../breaker/store.ts'

export { SUCCESS } from '../breaker/outcome.ts'
export type { FailureReason, Outcome, OutcomeClass } from '../breaker/outcome.ts'
export type { Admission, Permit } from '../breaker/admission.ts'
export type { CircuitBreakers } from '../breaker/circuit-breakers.ts'
export type { BreakerEvent } from '../breaker/events.ts'
export type { BreakerPolicy } from '../breaker/policy.ts'
export type { BreakerStore } from '../breaker/store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The breakers; ask `admit(target)` before a call, and tell the permit what became of it. */
    breakers: CircuitBreakers
  }
}

/** How the breakers behave and where they keep their states. */
export interface CircuitBreakerOptions {
  /** Default: `fastify.breakerStore` if there is one, else memory. */
  readonly store?: BreakerStore | undefined
  /** What differs from DEFAULT_POLICY. */
  readonly policy?: Partial<BreakerPolicy> | undefined
  /** This replica's name; must be new with every start of the process. Default: chance. */
  readonly owner?: string | undefined
  /** Targets to begin with; more can be added at any time by `breakers.add`. */
  readonly targets?: readonly string[] | undefined
  /**
   * How often to look for what other replicas stored, in ms, varied by a fifth; 0 for never. Default 1000 with a store
   * that others may share, 0 with memory.
   */
  readonly refreshMs?: number | undefined
  /** How long a call to the store may take, in ms; then this replica decides alone. Default 250. */
  readonly storeTimeoutMs?: number | undefined
  /** Told of every event after it was logged, e.g. for metrics. */
  readonly onEvent?: ((event: BreakerEvent) => void) | undefined
}

const DEFAULT_REFRESH_MS = 1_000

/** Decorates `fastify.breakers`; the stored states are loaded before the plugin is ready. */
export default fp<CircuitBreakerOptions>(async (fastify, options) => {
  const { policy, owner = randomUUID(), targets = [], storeTimeoutMs, onEvent } = options
  const shared = options.store ?? (fastify.hasDecorator('breakerStore') ? fastify.breakerStore : undefined)
  const breakers = new CircuitBreakers({
    store: shared ?? new MemoryBreakerStore(),
    ...policy === undefined ? {} : { policy },
    owner,
    storeTimeoutMs,
    now: () => performance.now(),
    random: Math.random,
    schedule: (ms, callback) => {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
    onEvent: event => {
      logEvent(fastify.log, event)
      onEvent?.(event)
    }
  })
  for (const target of targets) breakers.add(target)
  await breakers.start()
  fastify.decorate('breakers', breakers)

  const refreshMs = options.refreshMs ?? (shared === undefined ? 0 : DEFAULT_REFRESH_MS)
  let closed = false
  let timer: NodeJS.Timeout | undefined
  const refreshLater = () => {
    if (closed) return
    timer = setTimeout(() => { void breakers.refresh().then(refreshLater) }, refreshMs * (0.8 + 0.4 * Math.random()))
    timer.unref()
  }
  if (refreshMs > 0) refreshLater()
  fastify.addHook('onClose', async () => {
    // A refresh that is under way would set the timer again.
    closed = true
    clearTimeout(timer)
    await breakers.close()
  })
}, { name: 'circuit-breaker', fastify: '5.x' })

function logEvent (log: FastifyBaseLogger, event: BreakerEvent): void {
  switch (event.kind) {
    case 'transition': {
      const { target, from, to, epoch, cause, status, manual } = event.transition
      const fields = { target, from, to, epoch, cause, status, ...manual === null ? {} : { by: manual.by, reason: manual.reason } }
      // The replica that made the transition has logged it already.
      if (event.adopted) log.debug(fields, 'breaker followed another replica')
      else if (event.alert) log.error(fields, 'breaker opened: the target refuses the gateway\'s credentials or quota')
      else if (to === 'open') log.warn(fields, 'breaker opened')
      else log.info(fields, 'breaker changed')
      break
    }
    case 'cooldown':
      log.info({ target: event.target, forMs: event.forMs, cause: event.cause, status: event.status }, 'target is rate limited')
      break
    case 'would_have_opened':
      log.warn({ target: event.target, cause: event.cause, status: event.status }, 'breaker in shadow would have opened')
      break
    case 'not_scored':
      log.debug({ target: event.target, epoch: event.epoch, permitEpoch: event.permitEpoch }, 'outcome came too late to be scored')
      break
    case 'store_lost':
      log.warn({ operation: event.operation, error: nameOf(event.error) }, 'breaker store does not answer: breakers decide alone')
      break
    case 'store_back':
      log.info({ failures: event.failures }, 'breaker store answers again')
  }
}

// A driver's error holds the statement and its parameters; the name and the code say enough.
function nameOf (error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const cause = error.cause instanceof Error ? error.cause : error
  return 'code' in cause ? `${cause.name} (${String(cause.code)})` : cause.name
}
