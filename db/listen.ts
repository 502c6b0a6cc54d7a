import type { ChannelListener } from './database.ts'
import type { PostgresClient } from './postgres-client.ts'

/** How long to wait before another try to connect, in ms; varied by a fifth. */
const RETRY_MS = 1_000

/**
 * Listens to a channel over a connection of its own, and over a new one when that is gone. Each is a new client: one that has
 * listened before connects again by itself, but if it may not listen then (as on a standby that is to be promoted), it
 * says nothing of it and stays deaf.
 * @param newClient a client for a single connection, that tells when it is gone
 * @returns ends it; resolves when nothing is told any more
 * @see https://www.postgresql.org/docs/current/sql-listen.html
 */
export function listenTo (newClient: (onGone: () => void) => PostgresClient, channel: string, { onNotification, onListening }: ChannelListener): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let current: PostgresClient | undefined

  const giveUp = async (client: PostgresClient): Promise<void> => {
    if (current !== client) return
    current = undefined
    if (!stopped) {
      timer = setTimeout(connect, RETRY_MS * (0.8 + 0.4 * Math.random()))
      timer.unref()
    }
    await client.close(0)
  }
  const connect = (): void => {
    const client = newClient(() => { void giveUp(client) })
    current = client
    const isCurrent = () => current === client
    client.sql.listen(channel, payload => { if (isCurrent()) onNotification(payload) }, () => { if (isCurrent()) onListening() })
      .catch(async () => await giveUp(client))
  }
  connect()

  return async () => {
    stopped = true
    clearTimeout(timer)
    if (current !== undefined) await giveUp(current)
  }
}
