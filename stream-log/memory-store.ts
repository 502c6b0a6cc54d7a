import type { Segment } from './frame-log.ts'
import type {
  NewStream, Ownership, RequestClaim, StoredStream, StoredStreamState, StreamStore, StreamWrite, TakenStream, Takeover
} from './stream-store.ts'

interface Stored {
  stream: NewStream
  claim: RequestClaim | undefined
  /** Empty: it was handed over. */
  owner: string
  readonly segments: Segment[]
  readonly begunAt: number
  state: StoredStreamState
  lastId: number
  beats: number
  takeovers: number
  followedUntil: number
  expiresAt: number
}

/** How long after a look the replica of a stream is told that it is followed, in ms. */
const FOLLOWED_MS = 10_000

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
    const { id, caller, dialect } = claim
    this.#streams.set(id, { ...this.#newOf({ id, caller, target: '', dialect }, owner), claim, expiresAt: now + ttlMs })
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
      if (claimed === undefined) this.#streams.set(id, this.#newOf(begun, owner))
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
      if (ended) this.#end(stored, 'ended')
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
    stored.followedUntil = this.#now() + FOLLOWED_MS
    const { stream: { caller, target, dialect }, owner, state, lastId, beats, segments } = stored
    return { caller, target, dialect, state, lastId, beat: String(beats), handedOver: owner === '', segments: segments.filter(segment => segment.lastId > afterId) }
  }

  async declareLost (id: string, beat: string, lastFrame: (id: number, dialect: string) => string): Promise<boolean> {
    const stored = this.#streams.get(id)
    if (stored?.state !== 'running' || String(stored.beats) !== beat) return false
    const lastId = ++stored.lastId
    stored.segments.push({ firstId: lastId, lastId, text: lastFrame(lastId, stored.stream.dialect) })
    this.#end(stored, 'lost')
    stored.claim = undefined
    this.#announce(id)
    return true
  }

  async takeOver ({ id, beat, owner, ttlMs, atMost }: Takeover): Promise<TakenStream | undefined> {
    const stored = this.#streams.get(id)
    if (stored?.state !== 'running' || String(stored.beats) !== beat || stored.takeovers >= atMost) return undefined
    const { stream, lastId, begunAt, owner: before } = stored
    const { request } = stream
    if (request === undefined) return undefined
    stored.owner = owner
    stored.takeovers++
    stored.beats++
    stored.expiresAt = this.#now() + ttlMs
    return { stream: { ...stream, request }, lastId, ageMs: this.#now() - begunAt, handedOver: before === '' }
  }

  async renew (owner: string, id: string, request: string): Promise<void> {
    const stored = this.#streams.get(id)
    if (stored?.owner !== owner || stored.state !== 'running' || stored.stream.request === undefined) return
    stored.stream = { ...stored.stream, request }
  }

  async handOver (owner: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const stored = this.#streams.get(id)
      if (stored?.owner !== owner || stored.state !== 'running') continue
      stored.owner = ''
      this.#announce(id)
    }
  }

  async remove (id: string): Promise<void> {
    const stored = this.#streams.get(id)
    if (stored === undefined) return
    this.#end(stored, 'deleted')
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
    const followed: string[] = []
    for (const id of ids) {
      const stored = this.#streams.get(id)
      if (stored?.state === 'deleted') deleted.push(id)
      else if (stored === undefined || stored.owner !== owner || stored.state === 'lost') lost.push(id)
      else {
        stored.beats++
        stored.expiresAt = this.#now() + ttlMs
        if (stored.followedUntil > this.#now()) followed.push(id)
      }
    }
    return { lost, deleted, followed }
  }

  #newOf (stream: NewStream, owner: string): Stored {
    return { stream, claim: undefined, owner, segments: [], begunAt: this.#now(), state: 'running', lastId: 0, beats: 0, takeovers: 0, followedUntil: 0, expiresAt: 0 }
  }

  /** Nobody will carry it on any more, so what was asked is forgotten. */
  #end (stored: Stored, state: StoredStreamState): void {
    stored.state = state
    const { id, caller, target, dialect } = stored.stream
    stored.stream = { id, caller, target, dialect }
  }

  #announce (id: string): void {
    for (const onChange of this.#watchers) onChange(id)
  }
}
