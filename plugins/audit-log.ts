/**
 * The audit log: every attempt and every breaker transition, in the database.
 */
import fp from 'fastify-plugin'
import type { AttemptRecord } from '../breaker/attempt.ts'
import { AUDIT_BATCH, AuditBuffer } from '../db/audit-buffer.ts'
import { insertAttempts, insertGap, listAudit } from '../db/audit.ts'
import type { AuditFilter, AuditPage } from '../db/audit.ts'
import { errorCode } from '../db/unavailable.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where attempts are recorded, and read together with the breakers' transitions. */
    auditLog: AuditLog
  }
}

/** What to list, and how much of it. */
export interface AuditQuery extends AuditFilter {
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined
  /** Entries per page; default 100. */
  readonly limit?: number | undefined
}

/** How much it may keep. */
export interface AuditLogOptions {
  /** How many attempts wait at most while the database is away; beyond it the oldest is dropped and counted. Default 10,000. */
  readonly capacity?: number | undefined
}

/** The decorator. */
export interface AuditLog {
  /** Whether the last write failed; the rows wait. */
  readonly failing: boolean
  /** Rows dropped because the database was away for too long. */
  readonly dropped: number
  /** Rows that wait to be written. */
  readonly waiting: number
  /** Records an attempt within about 250 ms. Never waits, never throws. */
  attempt (record: AttemptRecord): void
  /**
   * Attempts and transitions, newest first. Does not flush: what was recorded a moment ago may be missing.
   * @throws InvalidCursorError
   * @throws DatabaseUnavailableError
   */
  list (query: AuditQuery): Promise<AuditPage>
  /** Writes what waits. Never rejects; without the database the rows wait on. */
  flush (): Promise<void>
}

const FLUSH_EVERY_MS = 250
const FLUSH_ON_CLOSE_MS = 5_000
const DEFAULT_LIMIT = 100

/** Decorates `fastify.auditLog`. */
export default fp<AuditLogOptions>(async (fastify, { capacity }) => {
  const { database, log } = fastify
  const schedule = (ms: number, callback: () => void) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  }
  const buffer = new AuditBuffer({
    write: async rows => await insertAttempts(database, rows),
    writeGap: async gap => await insertGap(database, gap),
    // SQLSTATE classes 22 and 23: the data itself is refused, and would be again.
    isRejection: error => /^2[23]/.test(errorCode(error) ?? ''),
    capacity,
    now: () => performance.now(),
    schedule,
    // Only the code: a driver's error holds the rows that it failed on.
    onLost: error => log.warn({ code: errorCode(error) ?? 'timeout' }, 'audit log cannot be written: rows wait in memory'),
    onBack: () => log.info('audit log is written again')
  })
  const timer = setInterval(() => { void buffer.flushUnlessPaused() }, FLUSH_EVERY_MS)
  timer.unref()

  const auditLog: AuditLog = {
    get dropped () { return buffer.dropped },
    get waiting () { return buffer.size },
    get failing () { return buffer.isFailing },
    attempt (record) {
      buffer.add(record)
      if (buffer.size >= AUDIT_BATCH) void buffer.flushUnlessPaused()
    },
    async list ({ cursor, limit = DEFAULT_LIMIT, ...filter }) {
      return await listAudit(database, filter, cursor, limit)
    },
    async flush () {
      await buffer.flush()
    }
  }
  fastify.decorate('auditLog', auditLog)
  fastify.addHook('onClose', async () => {
    clearInterval(timer)
    await new Promise<void>(resolve => {
      const cancel = schedule(FLUSH_ON_CLOSE_MS, resolve)
      void buffer.flush().finally(cancel).then(resolve)
    })
    if (buffer.size > 0) log.error({ rows: buffer.size }, 'audit log could not be written until the end: rows are lost')
  })
}, { name: 'audit-log', fastify: '5.x', dependencies: ['database'] })
