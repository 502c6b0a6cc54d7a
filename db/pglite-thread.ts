import { parentPort, workerData } from 'node:worker_threads'
import { MissingPackageError } from '../errors/missing-package.ts'
import { openPgliteClient } from './pglite.ts'
import type { FromThread, ToThread } from './pglite-owner.ts'
import type { Statement, StatementAnswer } from './statement.ts'
import { DatabaseUnavailableError, errorCode } from './unavailable.ts'

/** The thread that PGlite runs in; `db/pglite-owner` starts it. */

if (parentPort === null) throw new Error('this runs as a thread only')
const port = parentPort
const post = (message: FromThread): void => { port.postMessage(message) }

/** Dates and times as PostgreSQL writes them: drizzle reads them itself. */
const AS_TEXT = Object.fromEntries([
  1082, 1114, 1184, 1186, // date, timestamp, timestamptz, interval
  1115, 1182, 1185, 1187, 1231 // arrays of timestamp, date, timestamptz, interval, numeric
].map(type => [type, (value: string) => value]))

try {
  const client = await openPgliteClient(String(workerData))
  const run = async ({ text, params, rowMode }: Statement): Promise<StatementAnswer> => {
    try {
      const { rows } = await client.query(text, [...params], { rowMode, parsers: AS_TEXT })
      return { rows }
    } catch (error) {
      // Only this: PGlite's errors carry the statement and its parameters.
      return { error: error instanceof Error ? error.message : 'unknown error', code: errorCode(error) }
    }
  }
  port.on('message', (message: ToThread) => {
    if (message.kind === 'close') void client.close().finally(() => port.close())
    else void run(message.statement).then(answer => post({ kind: 'answer', id: message.id, answer }))
  })
  post({ kind: 'open' })
} catch (error) {
  if (!(error instanceof DatabaseUnavailableError || error instanceof MissingPackageError)) throw error
  post({ kind: 'unavailable', message: error.message })
}
