/**
 * Streams that can be joined again: their frames are kept for a while, in memory and in the database, so that a client
 * that lost its connection goes on where it was, at this replica or another.
 */
import { randomUUID } from 'node:crypto'
import fp from 'fastify-plugin'
import { FrameCipher } from '../db/frame-cipher.ts'
import { PostgresStreamStore } from '../db/stream-store.ts'
import { errorCode } from '../db/unavailable.ts'
import { StreamLog } from '../stream-log/stream-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Keeps the frames of resumable streams; joins and deletes streams of all replicas. */
    streamLog: StreamLog
  }
}

export interface StreamLogPluginOptions {
  /** How long a stream that nobody reads goes on, and how long one that has ended is kept, in ms. */
  readonly ttlMs: number
  /** AES-256 keys of 32 bytes: the first seals what is stored, all of them open it. None: it is stored as it is. */
  readonly keys?: readonly Buffer[] | undefined
  /** The frame that ends a stream whose replica has died, and that nobody carries on, by its number and its stream's dialect. */
  readonly lastFrame: (id: number, dialect: string) => string
  /** Memory for the newest frames of each stream, in bytes. Default 128 KiB. */
  readonly maxBytes?: number | undefined
}

const CLOSE_TIMEOUT_MS = 5_000

/** Decorates `fastify.streamLog`. */
export default fp<StreamLogPluginOptions>(async (fastify, { ttlMs, keys = [], lastFrame, maxBytes }) => {
  const { database, log } = fastify
  const streamLog = new StreamLog({
    store: new PostgresStreamStore(database, new FrameCipher(keys)),
    owner: randomUUID(),
    ttlMs,
    maxBytes,
    now: () => performance.now(),
    schedule: (ms, callback) => {
      const timer = setTimeout(callback, ms)
      timer.unref()
      return () => clearTimeout(timer)
    },
    lastFrame,
    onStore: event => {
      // Only the code: a driver's error holds what it failed on.
      if (event.kind === 'lost') log.warn({ code: errorCode(event.error) ?? 'timeout' }, 'stream log cannot be written: streams go on, and can be joined here only')
      else log.info('stream log is written again')
    }
  })
  fastify.decorate('streamLog', streamLog)
  fastify.addHook('onClose', async () => await streamLog.close(CLOSE_TIMEOUT_MS))
}, { name: 'stream-log', fastify: '5.x', dependencies: ['database'] })
