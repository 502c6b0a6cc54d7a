import cluster from 'node:cluster'
import type { GatewayConfig } from '../config/gateway-config.ts'
import { UnansweredStatements } from '../db/statement.ts'
import type { Statement, StatementAnswer } from '../db/statement.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { Family } from '../metrics/family.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** Why a worker has to end. */
export type EndReason = 'asked' | 'orphaned'

/** A worker's end of the channel to the primary. */
export class PrimaryLink {
  readonly #unanswered = new UnansweredStatements()
  readonly #config = Promise.withResolvers<GatewayConfig>()
  /** What is measured here; nothing before there is a server. */
  #measure: () => Promise<readonly Family[]> = async () => []
  #collecting: PromiseWithResolvers<readonly Family[]> | undefined

  /** @param onEnd may be called more than once. */
  constructor (onEnd: (reason: EndReason) => void) {
    process.on('message', message => {
      if (!isToWorker(message)) return
      switch (message.kind) {
        case 'start': return this.#config.resolve(message.config)
        case 'answer': return this.#unanswered.answer(message.id, message.answer)
        case 'collected': return this.#collected(({ resolve }) => resolve(message.families))
        case 'drain': return onEnd('asked')
        case 'measure': void this.#measured()
      }
    })
    cluster.worker?.once('disconnect', () => {
      // Node would end the process at once, in the middle of its streams, if this were not an end that somebody asked for.
      if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
      this.#unanswered.lose('the process that owns the database is gone')
      this.#collected(({ reject }) => reject(orphaned()))
      onEnd('orphaned')
    })
    this.#tell({ kind: 'hello' })
  }

  /** The configuration; never settles when the worker is told to end instead. */
  get config (): Promise<GatewayConfig> { return this.#config.promise }

  /** Has the primary run a statement. */
  readonly ask = async (statement: Statement): Promise<StatementAnswer> => {
    return await this.#unanswered.ask(id => this.#tell({ kind: 'statement', id, statement }))
  }

  /** From now on the primary is told what is measured here when it asks. */
  measures (measure: () => Promise<readonly Family[]>): void {
    this.#measure = measure
  }

  /**
   * What all workers have measured.
   * @throws {GatewayError} 503, the primary is gone
   */
  readonly collectAll = async (): Promise<readonly Family[]> => {
    if (!process.connected) throw orphaned()
    if (this.#collecting === undefined) {
      this.#collecting = Promise.withResolvers()
      this.#tell({ kind: 'collect' })
    }
    return await this.#collecting.promise
  }

  async #measured (): Promise<void> {
    try {
      this.#tell({ kind: 'measured', families: await this.#measure() })
    } catch {} // then what it said last holds
  }

  #collected (settle: (collecting: PromiseWithResolvers<readonly Family[]>) => void): void {
    const collecting = this.#collecting
    this.#collecting = undefined
    if (collecting !== undefined) settle(collecting)
  }

  #tell (message: FromWorker): void {
    // If the primary is gone, `disconnect` says so.
    process.send?.(message, undefined, undefined, () => {})
  }
}

function orphaned (): GatewayError {
  return new GatewayError(503, 'The gateway is shutting down.', { type: 'server_error', code: 'draining', retryAfterMs: 1000 })
}

/** Both ends are this program, so the kind says the rest; Node's own messages have none. */
function isToWorker (message: unknown): message is ToWorker {
  return isJsonObject(message) && typeof message['kind'] === 'string'
}
