/**
 * The queue against a reference that keeps plain arrays, under random commands: the same items in the same order, the
 * same promises settled in the same way at the same time, and never more than the limits allow.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { settle } from '../support/virtual-time.ts'

interface Item { readonly id: number, readonly size: number }

/** What happened to waiting calls, by what was called: `put 3 done`, `take 2 got 7` … */
type Journal = string[]

/** The queue as one would explain it, with no thought of speed. */
class Reference {
  readonly capacity: number
  readonly maxBytes: number
  readonly journal: Journal = []
  state: 'open' | 'closed' | 'failed' | 'cancelled' = 'open'
  items: Item[] = []
  putters: Item[] = []
  takers: number[] = []
  waits: { readonly id: number, readonly fits: () => boolean } | undefined
  onReadable: number | undefined
  held = false
  calls = 0

  constructor (capacity: number, maxBytes: number) {
    this.capacity = capacity
    this.maxBytes = maxBytes
  }

  get bytes (): number { return this.items.reduce((sum, { size }) => sum + size, 0) }

  fits (item: Item): boolean {
    return !this.held && (this.items.length === 0 || (this.items.length < this.capacity && this.bytes + item.size <= this.maxBytes))
  }

  get full (): boolean { return this.state === 'open' && (this.held || this.items.length === this.capacity || this.bytes >= this.maxBytes) }

  offer (item: Item): string {
    if (this.state === 'cancelled') return 'cancelled'
    if (this.state !== 'open') return 'throws'
    if (this.putters.length > 0 || !this.fits(item)) return 'full'
    this.items.push(item)
    this.advance()
    return 'accepted'
  }

  put (item: Item): void {
    if (this.state === 'open') this.putters.push(item)
    else this.journal.push(`put ${item.id} refused: ${this.state === 'cancelled' ? 'QueueCancelledError' : 'QueueClosedError'}`)
    this.advance()
  }

  poll (): Item | undefined {
    const item = this.items.shift()
    this.advance()
    return item
  }

  drain (): Item[] {
    const items = this.items.splice(0)
    this.advance()
    return items
  }

  end (state: 'closed' | 'failed' | 'cancelled'): void {
    if (state === 'cancelled' ? this.state === 'cancelled' || (this.state !== 'open' && this.items.length === 0) : this.state !== 'open') return
    this.state = state
    if (state === 'cancelled') this.items = []
    for (const { id } of this.putters.splice(0)) this.journal.push(`put ${id} refused: ${state === 'cancelled' ? 'QueueCancelledError' : 'QueueClosedError'}`)
    this.advance()
  }

  /** Does whatever can be done by now. */
  advance (): void {
    for (;;) {
      const [item] = this.items
      const [taker] = this.takers
      const [putter] = this.putters
      if (taker !== undefined && item !== undefined) {
        this.journal.push(`take ${taker} got ${item.id}`)
        this.items.shift()
        this.takers.shift()
      } else if (putter !== undefined && this.fits(putter)) {
        this.journal.push(`put ${putter.id} done`)
        this.items.push(putter)
        this.putters.shift()
      } else break
    }
    if (this.state !== 'open') {
      for (const taker of this.takers.splice(0)) this.journal.push(`take ${taker} ${this.state === 'failed' ? 'failed: broken' : 'end'}`)
    }
    if (this.waits !== undefined && (this.state !== 'open' || (this.putters.length === 0 && this.waits.fits()))) {
      this.journal.push(`fits ${this.waits.id}`)
      this.waits = undefined
    }
    if (this.onReadable !== undefined && (this.state !== 'open' || this.items.length > 0)) {
      this.journal.push(`readable ${this.onReadable}`)
      this.onReadable = undefined
    }
  }
}

interface Real { readonly queue: BoundedQueue<Item>, readonly journal: Journal }

/** One command: does it to both, lets promises settle, and compares. */
class Command implements fc.AsyncCommand<Reference, Real> {
  readonly label: string
  readonly act: (reference: Reference, real: Real) => void

  constructor (label: string, act: (reference: Reference, real: Real) => void) {
    this.label = label
    this.act = act
  }

  check (): boolean { return true }

  async run (reference: Reference, real: Real): Promise<void> {
    this.act(reference, real)
    await settle()
    const { queue } = real
    assert.deepEqual(real.journal.splice(0).sort(), reference.journal.splice(0).sort())
    assert.equal(queue.state.kind, reference.state)
    assert.equal(queue.size, reference.items.length)
    assert.equal(queue.bytes, reference.bytes)
    assert.equal(queue.full, reference.full)
    assert.equal(queue.exhausted, reference.state !== 'open' && reference.items.length === 0)
    assert.equal(queue.signal.aborted, reference.state === 'cancelled')
    assert.ok(queue.size <= queue.capacity)
    assert.ok(queue.bytes <= queue.maxBytes || queue.size === 1)
  }

  toString (): string { return this.label }
}

const COMMANDS = {
  offer: (size: number) => new Command(`offer of ${size}`, (reference, { queue }) => {
    const item = { id: ++reference.calls, size }
    let result: string
    try {
      result = queue.offer(item)
    } catch (error) {
      assert.ok(error instanceof Error && error.name === 'QueueClosedError')
      result = 'throws'
    }
    assert.equal(result, reference.offer(item))
  }),
  put: (size: number) => new Command(`put of ${size}`, (reference, { queue, journal }) => {
    const item = { id: ++reference.calls, size }
    reference.put(item)
    queue.put(item).then(
      () => journal.push(`put ${item.id} done`),
      (error: unknown) => journal.push(`put ${item.id} refused: ${error instanceof Error ? error.name : ''}`))
  }),
  whenFits: (size: number) => new Command(`whenFits ${size}`, (reference, { queue, journal }) => {
    const item = { id: ++reference.calls, size }
    reference.waits = { id: item.id, fits: () => reference.fits(item) }
    reference.advance()
    queue.whenFits(item, () => journal.push(`fits ${item.id}`))
  }),
  whenRoom: () => new Command('whenRoom', (reference, { queue, journal }) => {
    const id = ++reference.calls
    reference.waits = { id, fits: () => !reference.full }
    reference.advance()
    queue.whenRoom(() => journal.push(`fits ${id}`))
  }),
  onReadable: () => new Command('onReadable', (reference, { queue, journal }) => {
    const id = ++reference.calls
    reference.onReadable = id
    reference.advance()
    queue.onReadable(() => journal.push(`readable ${id}`))
  }),
  poll: () => new Command('poll', (reference, { queue }) => { assert.equal(queue.poll()?.id, reference.poll()?.id) }),
  hold: (held: boolean) => new Command(`hold ${held}`, (reference, { queue }) => {
    reference.held = held
    reference.advance()
    queue.hold(held)
  }),
  drain: () => new Command('drain', (reference, { queue }) => { assert.deepEqual(queue.drain(), reference.drain()) }),
  next: () => new Command('next', (reference, { queue, journal }) => {
    const id = ++reference.calls
    reference.takers.push(id)
    reference.advance()
    queue.next().then(
      ({ done, value }) => journal.push(done === true ? `take ${id} end` : `take ${id} got ${value.id}`),
      (error: unknown) => journal.push(`take ${id} failed: ${error instanceof Error ? error.message : ''}`))
  }),
  close: () => new Command('close', (reference, { queue }) => { reference.end('closed'); queue.close() }),
  fail: () => new Command('fail', (reference, { queue }) => { reference.end('failed'); queue.fail(new Error('broken')) }),
  cancel: () => new Command('cancel', (reference, { queue }) => { reference.end('cancelled'); queue.cancel() })
}

t.test('every history of commands has the outcome that the reference has', async () => {
  const size = fc.integer({ min: 0, max: 12 })
  const command = fc.oneof(
    { weight: 6, arbitrary: size.map(COMMANDS.offer) },
    { weight: 6, arbitrary: size.map(COMMANDS.put) },
    { weight: 3, arbitrary: size.map(COMMANDS.whenFits) },
    { weight: 2, arbitrary: fc.constant(null).map(COMMANDS.whenRoom) },
    { weight: 2, arbitrary: fc.constant(null).map(COMMANDS.onReadable) },
    { weight: 5, arbitrary: fc.constant(null).map(COMMANDS.poll) },
    { weight: 2, arbitrary: fc.constant(null).map(COMMANDS.drain) },
    { weight: 2, arbitrary: fc.boolean().map(COMMANDS.hold) },
    { weight: 5, arbitrary: fc.constant(null).map(COMMANDS.next) },
    { weight: 1, arbitrary: fc.constantFrom(COMMANDS.close, COMMANDS.fail, COMMANDS.cancel).map(make => make()) })
  await fc.assert(fc.asyncProperty(
    fc.integer({ min: 1, max: 5 }),
    fc.option(fc.integer({ min: 1, max: 20 }), { nil: Infinity }),
    fc.array(command, { maxLength: 40 }),
    async (capacity, maxBytes, commands) => {
      await fc.asyncModelRun(() => ({
        model: new Reference(capacity, maxBytes),
        real: { queue: new BoundedQueue<Item>({ capacity, maxBytes, sizeOf: ({ size }) => size }), journal: [] }
      }), commands)
    }), { numRuns: 600 })
})
