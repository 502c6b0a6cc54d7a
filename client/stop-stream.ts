import type { Settings } from './options.ts'

/** How often it is tried, how long each may take, and the pause between two, in ms. */
const TRIES = 3
const TIMEOUT_MS = 5_000
const PAUSE_MS = 500

/** Ends a stream at the gateway, as well as it can be done: what cannot be reached ends it when nobody has come back for it. Never rejects. */
export async function stopStream (settings: Settings, id: string): Promise<void> {
  const { baseURL, headers, fetch, schedule } = settings
  for (let tries = 1; ; tries++) {
    const aborter = new AbortController()
    const callOff = schedule(TIMEOUT_MS, () => aborter.abort())
    try {
      // A page that is being left may still say so.
      const response = await fetch(`${baseURL}/streams/${encodeURIComponent(id)}`, { method: 'DELETE', headers: { ...headers }, keepalive: true, signal: aborter.signal })
      await response.text()
      if (response.status < 500) return
    } catch {
      // The next try may get there.
    } finally {
      callOff()
    }
    if (tries === TRIES) return
    await new Promise<void>(resolve => { schedule(PAUSE_MS, resolve) })
  }
}
