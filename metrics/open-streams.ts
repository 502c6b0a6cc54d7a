import type { BoundedQueue } from '../streams/bounded-queue.ts'
import type { Registry } from './registry.ts'

/** What is looked at of a stream. */
export type StreamQueue = Pick<BoundedQueue<string>, 'size' | 'bytes'>

interface Sums {
  readonly streams: number
  readonly chunks: number
  readonly bytes: number
}

const NONE: Sums = { streams: 0, chunks: 0, bytes: 0 }

/** The streams under way: they are looked at when somebody asks, so that a chunk costs nothing. */
export class OpenStreams {
  readonly #open = new Set<{ readonly target: string, readonly model: string, readonly queue: StreamQueue }>()
  readonly #targets = new Set<string>()
  readonly #models = new Set<string>()

  constructor (registry: Registry) {
    const readings = (what: keyof Sums) => Array.from(this.#byTarget(), ([target, sums]) => ({ labels: { target }, value: sums[what] }))
    registry.reading({ kind: 'gauge', name: 'llm_gateway_streams_open', help: 'Streams whose output has begun and not ended.', labelNames: ['target'], read: () => readings('streams') })
    registry.reading({ kind: 'gauge', name: 'llm_gateway_stream_queue_chunks', help: 'Chunks between a target and its clients, over all open streams.', labelNames: ['target'], read: () => readings('chunks') })
    registry.reading({ kind: 'gauge', name: 'llm_gateway_stream_queue_bytes', help: 'Bytes between a target and its clients, over all open streams.', labelNames: ['target'], read: () => readings('bytes') })
    registry.reading({ kind: 'gauge', name: 'llm_gateway_model_streams_open', help: 'Streams whose output has begun and not ended, by what was asked for.', labelNames: ['model'], read: () => Array.from(this.#byModel(), ([model, value]) => ({ labels: { model }, value })) })
  }

  /** Shows the target also while it has no streams. */
  expect (target: string): void {
    this.#targets.add(target)
  }

  /** Shows the model likewise. */
  expectModel (model: string): void {
    this.#models.add(model)
  }

  /**
   * A stream has begun.
   * @param model an alias or target of the configuration, or a word that stands for the rest; not what the caller wrote
   * @returns to be called when it has ended
   */
  opened (target: string, model: string, queue: StreamQueue): () => void {
    const stream = { target, model, queue }
    this.#open.add(stream)
    return () => { this.#open.delete(stream) }
  }

  #byTarget (): Map<string, Sums> {
    const targets = new Map<string, Sums>(Array.from(this.#targets, target => [target, NONE]))
    for (const { target, queue } of this.#open) {
      const sums = targets.get(target) ?? NONE
      targets.set(target, { streams: sums.streams + 1, chunks: sums.chunks + queue.size, bytes: sums.bytes + queue.bytes })
    }
    return targets
  }

  #byModel (): Map<string, number> {
    const models = new Map<string, number>(Array.from(this.#models, model => [model, 0]))
    for (const { model } of this.#open) models.set(model, (models.get(model) ?? 0) + 1)
    return models
  }
}
