import cluster from 'node:cluster'
import type { GatewayConfig } from '../config/gateway-config.ts'
import { UnansweredStatements } from '../db/statement.ts'
import type { Statement, StatementAnswer } from '../db/statement.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** Why a worker has to end. */
export type EndReason = 'asked' | 'orphaned'

/** A worker's end of the channel to the primary. */
export class PrimaryLink {
  readonly #unanswered = new UnansweredStatements()
  readonly #config = Promise.withResolvers<GatewayConfig>()

  /** @param onEnd may be called more than once. */
  constructor (onEnd: (reason: EndReason) => void) {
    process.on('message', message => {
      if (!isToWorker(message)) return
      switch (message.kind) {
        case 'start': return this.#config.resolve(message.config)
        case 'answer': return this.#unanswered.answer(message.id, message.answer)
        case 'drain': return onEnd('asked')
      }
    })
    cluster.worker?.once('disconnect', () => {
      // Node would end the process at once, in the middle of its streams, if this were not an end that somebody asked for.
      if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
      this.#unanswered.lose('the process that owns the database is gone')
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

  #tell (message: FromWorker): void {
    // If the primary is gone, `disconnect` says so.
    process.send?.(message, undefined, undefined, () => {})
  }
}

/** Both ends are this program, so the kind says the rest; Node's own messages have none. */
function isToWorker (message: unknown): message is ToWorker {
  return isJsonObject(message) && typeof message['kind'] === 'string'
}
