import type { GatewayConfig } from '../config/gateway-config.ts'
import type { Statement, StatementAnswer } from '../db/statement.ts'
import type { Family } from '../metrics/family.ts'

/** What a worker tells the primary. */
export type FromWorker =
  /** It listens for messages: what was sent before would be lost. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'statement', readonly id: number, readonly statement: Statement }
  /** What it has measured. */
  | { readonly kind: 'measured', readonly families: readonly Family[] }
  /** Somebody asked it what all workers have measured. */
  | { readonly kind: 'collect' }

/** What the primary tells a worker. */
export type ToWorker =
  /** The answer to a hello. The configuration was checked, and stays the same for all workers, whatever becomes of its files. */
  | { readonly kind: 'start', readonly config: GatewayConfig }
  | { readonly kind: 'answer', readonly id: number, readonly answer: StatementAnswer }
  /** To say what it has measured. */
  | { readonly kind: 'measure' }
  /** What all have measured. */
  | { readonly kind: 'collected', readonly families: readonly Family[] }
  /** To finish what it does, and to end. */
  | { readonly kind: 'drain' }
