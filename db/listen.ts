import type { Sql } from 'postgres'
import type { ChannelListener } from './database.ts'

/** How long to wait before another try to connect, in ms. */
const RETRY_MS = 1_000

/**
 * Listens to a channel over a connection of its own. postgres.js connects anew where a connection that once listened
 * breaks; that the first one comes about is seen to here, with a client for each try, as one that failed tries on by itself.
 * @param newClient a client for a single connection
 * @returns ends it; resolves when nothing is told any more
 * @see https://www.postgresql.org/docs/current/sql-listen.html
 */
export function listenTo (newClient: () => Sql, channel: string, { onNotification, onListening }: ChannelListener): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let client: Sql | undefined

  const connect = async (): Promise<void> => {
    const mine = client = newClient()
    try {
      await mine.listen(channel, payload => { if (!stopped) onNotification(payload) }, () => { if (!stopped) onListening() })
    } catch {
      await mine.end({ timeout: 0 })
      if (stopped) return
      timer = setTimeout(() => { void connect() }, RETRY_MS)
      timer.unref()
    }
  }
  void connect()

  return async () => {
    stopped = true
    clearTimeout(timer)
    await client?.end({ timeout: 0 })
  }
}
