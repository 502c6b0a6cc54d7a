/**
 * Replicas that keep streams in one store, and their readers. In virtual time.
 */
import { randomUUID } from 'node:crypto'
import type { FrameSource } from '../../stream-log/frame-source.ts'
import { MemoryStreamStore } from '../../stream-log/memory-store.ts'
import { StreamLog } from '../../stream-log/stream-log.ts'
import type { StreamStore } from '../../stream-log/stream-store.ts'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { ChunkFrames, frame } from '../../streams/sse-frames.ts'
import { VirtualTime } from './virtual-time.ts'

export const TTL = 30_000

/** Replicas with one store. */
export class Fleet {
  readonly time = new VirtualTime()
  readonly store = new MemoryStreamStore(this.time.now)
  readonly events: string[] = []

  replica (owner: string, store: StreamStore = this.store, maxBytes?: number): StreamLog {
    return new StreamLog({
      store,
      owner,
      ttlMs: TTL,
      maxBytes,
      now: this.time.now,
      schedule: this.time.schedule,
      lastFrame: id => frame(id, '"lost"'),
      onStore: ({ kind }) => this.events.push(`${owner} ${kind}`)
    })
  }
}

/** A stream that a replica keeps, fed by the test; with its request another one may take it over. */
export function keep (log: StreamLog, caller: string | null = 'ada', request?: string): { id: string, queue: BoundedQueue<string>, abandoned: () => number } {
  const id = randomUUID()
  const queue = new BoundedQueue<string>({ capacity: 10 })
  let abandoned = 0
  const onAbandon = () => {
    abandoned++
    queue.fail(new Error('given up'))
  }
  log.keep({ begun: { id, caller, target: 'a', dialect: 'chat_completions', request }, queue, frames: new ChunkFrames(({ message }) => JSON.stringify(message)), onAbandon })
  return { id, queue, abandoned: () => abandoned }
}

/** Reads on until nothing comes at once. */
export class Reader {
  text = ''
  ended: 'no' | 'in order' | Error = 'no'
  readonly source: FrameSource

  constructor (source: FrameSource) {
    this.source = source
    void this.#run()
  }

  async #run (): Promise<void> {
    try {
      for (let text = await this.source.next(); text !== undefined; text = await this.source.next()) this.text += text
      this.ended = 'in order'
    } catch (error) {
      this.ended = error instanceof Error ? error : new Error('unknown')
    }
  }
}

/** Reads a stream at a replica, from a position on. */
export async function join (log: StreamLog, id: string, afterId = 0, caller: string | null = 'ada'): Promise<Reader> {
  const joined = await log.join(id, caller, afterId)
  if (joined === undefined) throw new Error('there is no such stream')
  return new Reader(joined.source)
}

/** Frames 1 to `count`, and others after them. */
export const all = (count: number, ...end: readonly string[]) => [...Array.from({ length: count }, (_, n) => `"${n + 1}"`), ...end].map((data, n) => frame(n + 1, data)).join('')

/** A store that one replica cannot reach any more, as if that were frozen or cut off. */
export function severable (store: StreamStore): StreamStore & { severed: boolean } {
  const link = { severed: false }
  const through = <T>(ask: () => Promise<T>): Promise<T> => link.severed ? new Promise<T>(() => {}) : ask()
  return {
    get severed () { return link.severed },
    set severed (severed) { link.severed = severed },
    claim: async (...args) => await through(() => store.claim(...args)),
    release: async (...args) => await through(() => store.release(...args)),
    write: async (...args) => await through(() => store.write(...args)),
    beat: async (...args) => await through(() => store.beat(...args)),
    read: async (...args) => await through(() => store.read(...args)),
    takeOver: async (...args) => await through(() => store.takeOver(...args)),
    renew: async (...args) => await through(() => store.renew(...args)),
    handOver: async (...args) => await through(() => store.handOver(...args)),
    declareLost: async (...args) => await through(() => store.declareLost(...args)),
    remove: async (...args) => await through(() => store.remove(...args)),
    sweep: async () => await through(() => store.sweep())
  }
}
