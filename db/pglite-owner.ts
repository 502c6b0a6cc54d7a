/**
 * PGlite in a thread of its own, for several processes: it runs WebAssembly, synchronously, and would hold up the event
 * loop of the process that owns it, which hands out the connections.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { DatabaseUnavailableError } from './unavailable.ts'
import { UnansweredStatements } from './statement.ts'
import type { AskOwner, Statement, StatementAnswer } from './statement.ts'

/** What the thread is told. */
export type ToThread =
  | { readonly kind: 'statement', readonly id: number, readonly statement: Statement }
  | { readonly kind: 'close' }

/** What it says. */
export type FromThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'unavailable', readonly message: string }
  | { readonly kind: 'answer', readonly id: number, readonly answer: StatementAnswer }

/** An open database that others ask. */
export interface PgliteOwner {
  readonly ask: AskOwner
  /** Closes the database and ends the thread. */
  close (): Promise<void>
}

/** Built, it is JavaScript like this file. */
const THREAD = new URL(`./pglite-thread${extname(import.meta.url)}`, import.meta.url)

/**
 * Opens PGlite in a new thread, and brings its tables up to date.
 * @param dataDir as for `openPglite`.
 * @param onLost the thread ended by itself; statements are answered with an error from now on.
 * @throws DatabaseUnavailableError
 */
export async function openPgliteOwner (dataDir: string, onLost: (error: unknown) => void): Promise<PgliteOwner> {
  const thread = new Worker(THREAD, { workerData: dataDir })
  const post = (message: ToThread): void => thread.postMessage(message)
  const unanswered = new UnansweredStatements()
  const opened = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let state: 'opening' | 'open' | 'closing' = 'opening'
  let failure: unknown

  thread.on('message', (message: FromThread) => {
    switch (message.kind) {
      case 'open': return opened.resolve()
      case 'unavailable': return opened.reject(new DatabaseUnavailableError(message.message))
      case 'answer': return unanswered.answer(message.id, message.answer)
    }
  })
  thread.on('error', error => { failure = error })
  thread.on('exit', code => {
    opened.reject(failure ?? new Error(`PGlite's thread ended with ${code}`))
    unanswered.lose('the embedded database is closed')
    ended.resolve()
    if (state === 'open') onLost(failure)
  })
  await opened.promise
  state = 'open'
  return {
    ask: async statement => await unanswered.ask(id => post({ kind: 'statement', id, statement })),
    close: async () => {
      state = 'closing'
      post({ kind: 'close' })
      await ended.promise
    }
  }
}
