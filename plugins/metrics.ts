import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { BreakerSnapshot, StateName } from '../breaker/state.ts'
import { EventLoopWatch } from '../metrics/event-loop.ts'
import type { Family } from '../metrics/family.ts'
import { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { EndedRequest } from '../metrics/gateway-metrics.ts'
import { OpenStreams } from '../metrics/open-streams.ts'
import { addProcessMetrics } from '../metrics/process-metrics.ts'
import { Registry } from '../metrics/registry.ts'
import { RunningRequests } from '../metrics/running-requests.ts'
import { textOf } from '../metrics/text-format.ts'
import type { RequestEnd } from './request-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What is measured, for Prometheus. */
    metrics: Metrics
  }
}

/** The decorator. */
export interface Metrics {
  /** For whatever else is to be measured. */
  readonly registry: Registry
  /** To be told of attempts, failovers and breakers. */
  readonly counts: GatewayMetrics
  /** To be told of streams. */
  readonly streams: OpenStreams
  /** To be told of completions as they begin. */
  readonly running: RunningRequests
  /** To be told of each request when it is over. */
  readonly requestEnded: (end: RequestEnd) => void
  /** What this process has measured. */
  collect (): Promise<Family[]>
  /** What all processes have measured, in Prometheus' text format. */
  text (): Promise<string>
}

export interface MetricsOptions {
  /** Where the process is one of several: what all of them have measured. Default: what this one has. */
  readonly collectAll?: (() => Promise<readonly Family[]>) | undefined
}

const STATES: readonly StateName[] = ['closed', 'open', 'half_open', 'forced_open', 'forced_closed', 'shadow']

/**
 * Decorates `fastify.metrics`. Comes first, since the others tell it what happens; of those that are there when the server is ready
 * (`breakers`, `providers`, `models`, `failover`, `auditLog`, `drain`, `overload`, `streamLog`) it reads what can be read at any time.
 */
const metrics: FastifyPluginAsync<MetricsOptions> = async (fastify, { collectAll }) => {
  const registry = new Registry()
  const counts = new GatewayMetrics(registry)
  const streams = new OpenStreams(registry)
  const running = new RunningRequests(registry)
  let eventLoop: EventLoopWatch | undefined
  const collect = async () => await registry.collect()
  fastify.decorate('metrics', {
    registry,
    counts,
    streams,
    running,
    requestEnded: end => counts.request(endedRequest(end)),
    collect,
    text: async () => textOf(await (collectAll ?? collect)())
  })
  fastify.addHook('onReady', async () => {
    eventLoop = new EventLoopWatch(registry) // not before: the start would be all that it tells of
    if (fastify.hasDecorator('breakers')) readBreakers(registry, fastify.breakers)
    if (fastify.hasDecorator('providers')) {
      readTargets(registry, fastify.providers)
      for (const [target, { kind }] of fastify.providers) {
        counts.expect(target, kind)
        streams.expect(target)
      }
    }
    if (fastify.hasDecorator('models')) {
      for (const model of fastify.models.labels) {
        running.expect(model)
        streams.expectModel(model)
      }
    }
    if (fastify.hasDecorator('failover')) readFailover(registry, fastify.failover, fastify.hasDecorator('providers') ? fastify.providers : new Map())
    if (fastify.hasDecorator('auditLog')) readAuditLog(registry, fastify.auditLog)
    if (fastify.hasDecorator('drain')) readDrain(registry, fastify.drain)
    if (fastify.hasDecorator('overload')) readOverload(registry, fastify.overload)
    if (fastify.hasDecorator('streamLog')) readStreamLog(registry, fastify.streamLog)
    // Of several workers their sum: how many answer.
    registry.reading({ kind: 'gauge', name: 'llm_gateway_workers', help: 'Processes that answer requests.', labelNames: [], read: () => one(1) })
    addProcessMetrics(registry)
  })
  fastify.addHook('onClose', async () => eventLoop?.close())
}

function endedRequest ({ route, status, durationMs, failure, completion }: RequestEnd): EndedRequest {
  return {
    route: route ?? 'unknown',
    model: completion?.model ?? null,
    ...outcomeOf(status, failure?.status),
    durationMs,
    firstOutputMs: completion?.stream === true ? completion.firstOutputMs : null
  }
}

/**
 * How a request ended for its caller.
 * @param failure the status of what the caller was told, which is in an error frame where the answer had begun
 */
export function outcomeOf (status: number, failure: number | undefined): Pick<EndedRequest, 'outcome' | 'status'> {
  if (status === 499) return { outcome: 'left', status }
  if (status < 400) return failure === undefined ? { outcome: 'ok', status } : { outcome: 'broken', status: failure }
  return { outcome: status < 500 ? 'refused' : 'failed', status }
}

function readBreakers (registry: Registry, breakers: FastifyInstance['breakers']): void {
  const reading = <L extends string>(read: (snapshot: BreakerSnapshot) => Array<{ labels: Readonly<Record<L, string>>, value: number }>) => () => breakers.snapshots().flatMap(read)
  registry.reading({
    kind: 'gauge',
    name: 'llm_gateway_breaker_state',
    help: '1 for the state that a target\'s breaker is in, 0 for the others.',
    labelNames: ['target', 'state'],
    together: 'max',
    read: reading(({ target, state }) => STATES.map(name => ({ labels: { target, state: name }, value: name === state ? 1 : 0 })))
  })
  registry.reading({
    kind: 'gauge',
    name: 'llm_gateway_target_cooldown_seconds',
    help: 'How long a rate limited target is still left alone.',
    labelNames: ['target'],
    together: 'max',
    read: reading(({ target, cooldownForMs }) => [{ labels: { target }, value: (cooldownForMs ?? 0) / 1000 }])
  })
  registry.reading({
    kind: 'counter',
    name: 'llm_gateway_breaker_store_failures_total',
    help: 'Calls to the breakers\' store that failed.',
    labelNames: [],
    read: () => one(breakers.storeFailures)
  })
}

function readTargets (registry: Registry, providers: FastifyInstance['providers']): void {
  registry.reading({
    kind: 'gauge',
    name: 'llm_gateway_target_info',
    help: 'Which model of which provider a target is; always 1.',
    labelNames: ['target', 'provider', 'model'],
    together: 'max',
    read: () => Array.from(providers, ([target, { kind, model }]) => ({ labels: { target, provider: kind, model }, value: 1 }))
  })
}

function readFailover (registry: Registry, failover: FastifyInstance['failover'], providers: FastifyInstance['providers']): void {
  registry.reading({
    kind: 'gauge',
    name: 'llm_gateway_attempts_running',
    help: 'Attempts under way, whether the target has begun to answer or not.',
    labelNames: ['target'],
    read: () => Array.from(providers.keys(), target => ({ labels: { target }, value: failover.running(target) }))
  })
  registry.reading({ kind: 'gauge', name: 'llm_gateway_retries_waiting', help: 'Requests whose first target failed and that wait in line for the next.', labelNames: [], read: () => one(failover.waiting) })
}

function readAuditLog (registry: Registry, auditLog: FastifyInstance['auditLog']): void {
  registry.reading({ kind: 'gauge', name: 'llm_gateway_audit_rows_waiting', help: 'Rows of the audit log that are not written yet.', labelNames: [], read: () => one(auditLog.waiting) })
  registry.reading({ kind: 'counter', name: 'llm_gateway_audit_rows_dropped_total', help: 'Rows that the audit log has lost.', labelNames: [], read: () => one(auditLog.dropped) })
}

function readDrain (registry: Registry, drain: FastifyInstance['drain']): void {
  registry.reading({ kind: 'gauge', name: 'llm_gateway_completions_running', help: 'Completions under way, streamed or not.', labelNames: [], read: () => one(drain.running) })
}

function readOverload (registry: Registry, overload: FastifyInstance['overload']): void {
  registry.reading({ kind: 'gauge', name: 'llm_gateway_completions_waiting', help: 'Completions that wait for their turn, as there are as many under way as may be.', labelNames: [], read: () => one(overload.waiting) })
}

function readStreamLog (registry: Registry, streamLog: FastifyInstance['streamLog']): void {
  registry.reading({ kind: 'gauge', name: 'llm_gateway_resumable_streams', help: 'Resumable streams whose frames are in memory.', labelNames: [], read: () => one(streamLog.size) })
}

function one (value: number) {
  return [{ labels: {}, value }]
}

export default fp(metrics, { name: 'metrics', fastify: '5.x' })
