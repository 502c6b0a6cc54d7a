import type { Segment } from './frame-log.ts'
import type { NewStream, Ownership, RequestClaim, StoredStream, StoredStreamState, StreamStore, StreamWrite } from './stream-store.ts'

interface Stored {
  stream: NewStream
  claim: RequestClaim | undefined
  readonly owner: string
  readonly segments: Segment[]
  state: StoredStreamState
  lastId: number
  beats: number
  expiresAt: number
}

/** A store for a single replica that needs none beyond its own life; and what tests compare others with. */
export class MemoryStreamStore implements StreamStore {
  readonly #now: () => number
  readonly #streams = new Map<string, Stored>()
  readonly #watchers = new Set<(id: string) => void>()

  /** @param now monotonic clock, ms */
  constructor (now: () => number) {
    this.#now = now
  }

  async claim (owner: string, claim: RequestClaim, ttlMs: number): Promise<{ id: string, digest: string }> {
    const now = this.#now()
    for (const { claim: other, expiresAt } of this.#streams.values()) {
      if (other?.key === claim.key && other.caller === claim.caller && expiresAt > now) return other
    }
    const { id, caller } = claim
    this.#streams.set(id, { stream: { id, caller, target: '' }, claim, owner, segments: [], state: 'running', lastId: 0, beats: 0, expiresAt: now + ttlMs })
    return claim
  }

  async release (id: string): Promise<void> {
    const stored = this.#streams.get(id)
    if (stored === undefined) return
    stored.claim = undefined
    if (stored.stream.target === '') this.#streams.delete(id)
    this.#announce(id)
  }

  async write (owner: string, writes: readonly StreamWrite[], ttlMs: number): Promise<Ownership> {
    for (const { id, begun } of writes) {
      if (begun === undefined) continue
      const claimed = this.#streams.get(id)
      if (claimed === undefined) this.#streams.set(id, { stream: begun, claim: undefined, owner, segments: [], state: 'running', lastId: 0, beats: 0, expiresAt: 0 })
      else if (claimed.stream.target === '') claimed.stream = begun
    }
    const ownership = this.#beat(owner, writes.map(({ id }) => id), ttlMs)
    for (const { id, segment, ended } of writes) {
      const stored = this.#streams.get(id)
      if (stored?.owner !== owner || stored.state !== 'running') continue
      if (segment !== undefined && segment.lastId > stored.lastId) {
        stored.segments.push(segment)
        stored.lastId = segment.lastId
      }
      if (ended) stored.state = 'ended'
      this.#announce(id)
    }
    return ownership
  }

  async beat (owner: string, ids: readonly string[], ttlMs: number): Promise<Ownership> {
    return this.#beat(owner, ids, ttlMs)
  }

  async read (id: string, afterId: number): Promise<StoredStream | undefined> {
    const stored = this.#streams.get(id)
    if (stored === undefined || stored.expiresAt <= this.#now()) return undefined
    const { stream: { caller, target }, state, lastId, beats, segments } = stored
    return { caller, target, state, lastId, beat: String(beats), segments: segments.filter(segment => segment.lastId > afterId) }
  }

  async declareLost (id: string, beat: string, lastFrame: (id: number) => string): Promise<boolean> {
    const stored = this.#streams.get(id)
    if (stored?.state !== 'running' || String(stored.beats) !== beat) return false
    const lastId = ++stored.lastId
    stored.segments.push({ firstId: lastId, lastId, text: lastFrame(lastId) })
    stored.state = 'lost'
    stored.claim = undefined
    this.#announce(id)
    return true
  }

  async remove (id: string): Promise<void> {
    const stored = this.#streams.get(id)
    if (stored === undefined) return
    stored.state = 'deleted'
    stored.claim = undefined
    stored.segments.length = 0
    this.#announce(id)
  }

  async sweep (): Promise<void> {
    for (const [id, { expiresAt }] of this.#streams) if (expiresAt <= this.#now()) this.#streams.delete(id)
  }

  watch (onChange: (id: string) => void): () => Promise<void> {
    this.#watchers.add(onChange)
    return async () => { this.#watchers.delete(onChange) }
  }

  #beat (owner: string, ids: readonly string[], ttlMs: number): Ownership {
    const lost: string[] = []
    const deleted: string[] = []
    for (const id of ids) {
      const stored = this.#streams.get(id)
      if (stored?.state === 'deleted') deleted.push(id)
      else if (stored === undefined || stored.owner !== owner || stored.state === 'lost') lost.push(id)
      else {
        stored.beats++
        stored.expiresAt = this.#now() + ttlMs
      }
    }
    return { lost, deleted }
  }

  #announce (id: string): void {
    for (const onChange of this.#watchers) onChange(id)
  }
}
