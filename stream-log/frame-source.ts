import { QueueCancelledError } from '../streams/bounded-queue.ts'
import type { BoundedQueue } from '../streams/bounded-queue.ts'

/** Where the frames of one stream come from, from a position on. */
export interface FrameSource {
  /**
   * The next frames, as soon as there are some; undefined when no more will come, or the source was closed.
   * @throws {FramesGoneError} they are left out
   */
  next (): Promise<string | undefined>
  /** Reads no more; a `next` that waits comes back. */
  close (): void
}

/** Frames that a reader asks for are not kept any more. */
export class FramesGoneError extends Error {
  override readonly name = 'FramesGoneError'
  readonly code = 'FRAMES_GONE'
  /** The frames that can still be read; `lastId` below `firstId`: none. */
  readonly left: { readonly firstId: number, readonly lastId: number }

  constructor (firstId: number, lastId: number) {
    super(lastId < firstId ? 'No frames of this stream are left.' : `Of this stream the frames ${firstId} to ${lastId} are left.`)
    this.left = { firstId, lastId }
  }
}

/** Moves what a source gives into a queue, until one of them ends. Never rejects: what goes wrong reaches the queue's reader. */
export async function follow (source: FrameSource, queue: BoundedQueue<string>): Promise<void> {
  queue.onCancel(() => source.close())
  try {
    for (let text = await source.next(); text !== undefined; text = await source.next()) await queue.put(text)
    queue.close()
  } catch (error) {
    if (!(error instanceof QueueCancelledError)) queue.fail(error instanceof Error ? error : new Error('unknown'))
  } finally {
    source.close()
  }
}
