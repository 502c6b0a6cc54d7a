import { StoredFrames } from './stored-frames.ts'
import type { StoredFramesOptions } from './stored-frames.ts'

export interface StoredReadersOptions extends Pick<StoredFramesOptions, 'store' | 'now' | 'schedule'> {
  /** As of one reader, of this stream. */
  readonly onSilent: (id: string, beat: string) => Promise<boolean>
}

/** All readers here of streams elsewhere. They share one ear for what the store announces. */
export class StoredReaders {
  readonly #options: StoredReadersOptions
  readonly #readers = new Map<string, Set<StoredFrames>>()
  #stopWatching: (() => Promise<void>) | undefined

  constructor (options: StoredReadersOptions) {
    this.#options = options
  }

  /** The frames of a stream after the one given, from the store. */
  read (id: string, afterId: number): StoredFrames {
    const { store, now, schedule, onSilent } = this.#options
    this.#stopWatching ??= store.watch?.(changed => {
      for (const reader of this.#readers.get(changed) ?? []) reader.wake()
    })
    const readers = this.#readers.get(id) ?? new Set()
    const source: StoredFrames = new StoredFrames({
      store,
      id,
      afterId,
      now,
      schedule,
      onSilent: async beat => await onSilent(id, beat),
      onClose: () => {
        readers.delete(source)
        if (readers.size === 0) this.#readers.delete(id)
      }
    })
    readers.add(source)
    this.#readers.set(id, readers)
    return source
  }

  /** Has all of them go on at another replica; how many they are. */
  moved (): number {
    const all = this.#all()
    for (const reader of all) reader.moved()
    return all.length
  }

  /** Ends all of them. Rejects with what the store does. */
  async close (): Promise<void> {
    for (const reader of this.#all()) reader.close()
    await this.#stopWatching?.()
  }

  #all (): StoredFrames[] {
    return [...this.#readers.values()].flatMap(readers => [...readers])
  }
}
