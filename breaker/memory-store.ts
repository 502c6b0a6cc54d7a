/**
 * A breaker store in the memory of one process: for a service without a database, and for tests.
 */
import { heldBy, neverStored } from './store.ts'
import type { BreakerStore, CooldownWrite, ProbeClaim, ProbeRelease, StoredBreaker, TransitionWrite } from './store.ts'

/** A breaker with its remaining times replaced by points in time. */
interface Row {
  readonly breaker: StoredBreaker
  readonly openUntil: number | null
  readonly cooldownUntil: number | null
  readonly lease: { readonly owner: string, readonly until: number } | null
}

/** Keeps one row per target; memory is bounded by the number of targets. */
export class MemoryBreakerStore implements BreakerStore {
  readonly #rows = new Map<string, Row>()
  readonly #now: () => number

  /** @param now the store's clock in ms; only differences count. */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  async load (): Promise<StoredBreaker[]> {
    return [...this.#rows.values()].map(row => this.#seen(row))
  }

  async transition (change: TransitionWrite): Promise<{ applied: boolean, stored: StoredBreaker }> {
    const before = this.#rows.get(change.target)
    if (before !== undefined && before.breaker.epoch !== change.fromEpoch) return { applied: false, stored: this.#seen(before) }
    const now = this.#now()
    const row: Row = {
      breaker: {
        ...neverStored(change.target),
        state: change.to,
        epoch: change.epoch,
        cause: change.cause,
        status: change.status,
        openCount: change.openCount,
        manual: heldBy(change.manual),
        writer: change.writer,
        timeline: 0
      },
      openUntil: change.openForMs === null ? null : now + change.openForMs,
      cooldownUntil: change.manual?.action === 'reset' ? null : before?.cooldownUntil ?? null,
      lease: change.lease === null ? null : { owner: change.lease.owner, until: now + change.lease.forMs }
    }
    this.#rows.set(change.target, row)
    return { applied: true, stored: this.#seen(row) }
  }

  async claimProbe (claim: ProbeClaim): Promise<{ won: boolean, stored: StoredBreaker }> {
    const row = this.#rows.get(claim.target)
    if (row === undefined) return { won: false, stored: neverStored(claim.target) }
    if (row.breaker.epoch !== claim.epoch || !this.#probeDue(row)) return { won: false, stored: this.#seen(row) }
    const opened = row.breaker.state === 'open'
    const claimed: Row = {
      breaker: { ...row.breaker, state: 'half_open', epoch: row.breaker.epoch + (opened ? 1 : 0), writer: claim.writer },
      openUntil: null,
      cooldownUntil: row.cooldownUntil,
      lease: { owner: claim.owner, until: this.#now() + claim.leaseMs }
    }
    this.#rows.set(claim.target, claimed)
    return { won: true, stored: this.#seen(claimed) }
  }

  async releaseProbe (release: ProbeRelease): Promise<void> {
    const row = this.#rows.get(release.target)
    if (row?.breaker.epoch !== release.epoch || row.lease?.owner !== release.owner) return
    this.#rows.set(release.target, { ...row, lease: null })
  }

  async setCooldown (cooldown: CooldownWrite): Promise<void> {
    const row = this.#rows.get(cooldown.target) ??
      { breaker: neverStored(cooldown.target), openUntil: null, cooldownUntil: null, lease: null }
    const until = this.#now() + cooldown.forMs
    if (row.cooldownUntil !== null && row.cooldownUntil >= until) return
    const closed = row.breaker.state === 'closed'
    const breaker = closed ? { ...row.breaker, cause: cooldown.cause, status: cooldown.status } : row.breaker
    this.#rows.set(cooldown.target, { ...row, breaker, cooldownUntil: until })
  }

  #probeDue (row: Row): boolean {
    const now = this.#now()
    if (row.cooldownUntil !== null && row.cooldownUntil > now) return false
    if (row.breaker.state === 'open') return row.openUntil === null || row.openUntil <= now
    return row.breaker.state === 'half_open' && (row.lease === null || row.lease.until <= now)
  }

  #seen (row: Row): StoredBreaker {
    const now = this.#now()
    const cooldownForMs = row.cooldownUntil === null ? 0 : row.cooldownUntil - now
    return {
      ...row.breaker,
      openForMs: row.openUntil === null ? null : Math.max(0, row.openUntil - now),
      cooldownForMs: cooldownForMs > 0 ? cooldownForMs : null,
      lease: row.lease === null ? null : { owner: row.lease.owner, forMs: Math.max(0, row.lease.until - now) }
    }
  }
}
