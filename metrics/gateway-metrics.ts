import type { AttemptRecord } from '../breaker/attempt.ts'
import type { BreakerEvent } from '../breaker/events.ts'
import type { RescueEvent } from '../failover/rescue.ts'
import type { Counter, Histogram, Registry } from './registry.ts'

/** How a request ended for its caller. */
export type RequestOutcome =
  | 'ok'
  /** A status of 4xx. */
  | 'refused'
  /** A status of 5xx. */
  | 'failed'
  /** A stream that ended in an error frame. */
  | 'broken'
  /** The client left before the end. */
  | 'left'

/** A request, over. */
export interface EndedRequest {
  /** The pattern of the path, not the path. */
  readonly route: string
  /** An alias or target of the configuration, or a word that stands for the rest; not what the caller wrote. Null: no model was chosen. */
  readonly model: string | null
  readonly outcome: RequestOutcome
  /** What the caller was told, be it in an error frame; 499 if it left. */
  readonly status: number
  readonly durationMs: number
  /** Of a stream, from the request's arrival to its first output; null if there was none. */
  readonly firstOutputMs: number | null
}

/** Bounds in seconds. Answers take from milliseconds (cached, refused) to the ten minutes of the default deadline. */
const DURATIONS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** The default first-token timeout is 10 s. */
const FIRST_OUTPUTS = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 7.5, 10, 20, 30]
/** From 500 tokens a second to one. */
const PER_TOKEN = [0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1]

/** What is counted as it happens: requests, attempts, what breakers do. Nothing is counted for a chunk. */
export class GatewayMetrics {
  readonly #requests: Counter<'route' | 'model' | 'outcome' | 'status'>
  readonly #requestDurations: Histogram<'route' | 'model' | 'outcome'>
  readonly #requestFirstOutputs: Histogram<'model'>
  readonly #attempts: Counter<'target' | 'provider' | 'class' | 'reason'>
  readonly #attemptDurations: Histogram<'target' | 'class'>
  readonly #firstOutputs: Histogram<'target'>
  readonly #perToken: Histogram<'target'>
  readonly #tokens: Counter<'target' | 'kind' | 'source'>
  readonly #failovers: Counter<'target'>
  readonly #hedges: Counter<'target'>
  readonly #rescues: Counter<'target' | 'outcome' | 'how'>
  readonly #transitions: Counter<'target' | 'to'>
  readonly #shadowOpenings: Counter<'target'>
  #storeAnswers = true

  constructor (registry: Registry) {
    this.#requests = registry.counter({
      name: 'llm_gateway_requests_total',
      help: 'Requests that have ended, by the status that the caller was told.',
      labelNames: ['route', 'model', 'outcome', 'status']
    })
    this.#requestDurations = registry.histogram({
      name: 'llm_gateway_request_duration_seconds',
      help: 'Of completions, from the request\'s arrival to the end of the answer.',
      labelNames: ['route', 'model', 'outcome'],
      bounds: DURATIONS
    })
    this.#requestFirstOutputs = registry.histogram({
      name: 'llm_gateway_request_time_to_first_output_seconds',
      help: 'Of streams, from the request\'s arrival to the first output, failed attempts included.',
      labelNames: ['model'],
      bounds: FIRST_OUTPUTS
    })
    this.#attempts = registry.counter({
      name: 'llm_gateway_attempts_total',
      help: 'Attempts at targets that have ended.',
      labelNames: ['target', 'provider', 'class', 'reason']
    })
    this.#attemptDurations = registry.histogram({
      name: 'llm_gateway_attempt_duration_seconds',
      help: 'From an attempt\'s beginning to its end.',
      labelNames: ['target', 'class'],
      bounds: DURATIONS
    })
    this.#firstOutputs = registry.histogram({
      name: 'llm_gateway_time_to_first_output_seconds',
      help: 'Of streams, from an attempt\'s beginning to its first output.',
      labelNames: ['target'],
      bounds: FIRST_OUTPUTS
    })
    this.#perToken = registry.histogram({
      name: 'llm_gateway_time_per_output_token_seconds',
      help: 'Of complete streams, the time after the first output for each further token.',
      labelNames: ['target'],
      bounds: PER_TOKEN
    })
    this.#tokens = registry.counter({
      name: 'llm_gateway_tokens_total',
      help: 'Tokens of prompts and completions, by who counted them.',
      labelNames: ['target', 'kind', 'source']
    })
    this.#failovers = registry.counter({
      name: 'llm_gateway_failovers_total',
      help: 'Attempts at a further target, after this one had failed the request.',
      labelNames: ['target']
    })
    this.#hedges = registry.counter({
      name: 'llm_gateway_hedges_total',
      help: 'Attempts at a further target beside this one, which took long to begin.',
      labelNames: ['target']
    })
    this.#rescues = registry.counter({
      name: 'llm_gateway_rescues_total',
      help: 'Streams of this target that broke and were carried on, or were not.',
      labelNames: ['target', 'outcome', 'how']
    })
    this.#transitions = registry.counter({
      name: 'llm_gateway_breaker_transitions_total',
      help: 'Changes of breakers\' states that were made here, not followed.',
      labelNames: ['target', 'to']
    })
    this.#shadowOpenings = registry.counter({
      name: 'llm_gateway_breaker_shadow_openings_total',
      help: 'Times that a breaker in shadow would have opened.',
      labelNames: ['target']
    })
    registry.reading({
      kind: 'gauge',
      name: 'llm_gateway_breaker_store_up',
      help: 'Whether the breakers\' store answers; 0: breakers decide alone.',
      labelNames: [],
      together: 'min',
      read: () => [{ labels: {}, value: this.#storeAnswers ? 1 : 0 }]
    })
  }

  /** Shows counters that alerts look at from the beginning on, as the first step of one that appears cannot be seen. */
  expect (target: string, provider: string): void {
    this.#attempts.add({ target, provider, class: 'success', reason: 'none' }, 0)
    this.#attempts.add({ target, provider, class: 'misconfigured', reason: 'unauthorized' }, 0)
    this.#attempts.add({ target, provider, class: 'misconfigured', reason: 'quota_exhausted' }, 0)
    this.#failovers.add({ target }, 0)
    this.#transitions.add({ target, to: 'open' }, 0)
  }

  request ({ route, model, outcome, status, durationMs, firstOutputMs }: EndedRequest): void {
    this.#requests.add({ route, model: model ?? 'none', outcome, status: String(status) })
    if (model === null) return
    this.#requestDurations.observe({ route, model, outcome }, durationMs / 1000)
    if (firstOutputMs !== null) this.#requestFirstOutputs.observe({ model }, firstOutputMs / 1000)
  }

  attempt ({ target, provider, class: outcome, reason, durationMs, firstOutputMs, promptTokens, completionTokens, usageSource }: AttemptRecord): void {
    this.#attempts.add({ target, provider, class: outcome, reason: reason ?? 'none' })
    this.#attemptDurations.observe({ target, class: outcome }, durationMs / 1000)
    if (firstOutputMs !== null) this.#firstOutputs.observe({ target }, firstOutputMs / 1000)
    if (usageSource === null) return
    if (promptTokens !== null) this.#tokens.add({ target, kind: 'prompt', source: usageSource }, promptTokens)
    if (completionTokens === null) return
    this.#tokens.add({ target, kind: 'completion', source: usageSource }, completionTokens)
    // As OpenTelemetry has it: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
    if (firstOutputMs !== null && outcome === 'success' && completionTokens > 1) {
      this.#perToken.observe({ target }, (durationMs - firstOutputMs) / 1000 / (completionTokens - 1))
    }
  }

  /**
   * Another target is tried for the same request.
   * @param beside this one is slow; otherwise it has failed
   */
  another (target: string, beside: boolean): void {
    (beside ? this.#hedges : this.#failovers).add({ target })
  }

  /** A stream that broke was carried on, or was not. */
  rescue ({ kind, from, how }: RescueEvent): void {
    this.#rescues.add({ target: from, outcome: kind, how: how ?? 'none' })
  }

  breakerEvent (event: BreakerEvent): void {
    switch (event.kind) {
      case 'transition':
        // What another replica made is counted there.
        if (!event.adopted) this.#transitions.add({ target: event.transition.target, to: event.transition.to })
        break
      case 'would_have_opened':
        this.#shadowOpenings.add({ target: event.target })
        break
      case 'store_lost':
        this.#storeAnswers = false
        break
      case 'store_back':
        this.#storeAnswers = true
        break
      case 'cooldown': // its attempts say it
      case 'not_scored':
    }
  }
}
