import type { Registry } from './registry.ts'

/** Completions under way, by model. */
export class RunningRequests {
  readonly #models = new Map<string, number>()

  constructor (registry: Registry) {
    registry.reading({
      kind: 'gauge',
      name: 'llm_gateway_model_completions_running',
      help: 'Completions under way, streamed or not, by what was asked for.',
      labelNames: ['model'],
      read: () => Array.from(this.#models, ([model, value]) => ({ labels: { model }, value }))
    })
  }

  /** Shows the model also while nobody asks for it. */
  expect (model: string): void {
    this.#add(model, 0)
  }

  /**
   * A completion has begun.
   * @param model an alias or target of the configuration, or a word that stands for the rest; not what the caller wrote
   * @returns to be called when its answer is over; more than once is once
   */
  begun (model: string): () => void {
    this.#add(model, 1)
    let running = true
    return () => {
      if (running) this.#add(model, -1)
      running = false
    }
  }

  #add (model: string, by: number): void {
    this.#models.set(model, (this.#models.get(model) ?? 0) + by)
  }
}
