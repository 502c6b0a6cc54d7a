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

/** The replica that was asked ends, and the stream goes on at another one. */
export class StreamMovedError extends Error {
  override readonly name = 'StreamMovedError'
  readonly code = 'STREAM_MOVED'

  constructor () {
    super('The stream goes on at another replica.')
  }
}

/** A stream's frames cannot be saved, and so not be shown. */
export class StreamUnsavedError extends Error {
  override readonly name = 'StreamUnsavedError'
  readonly code = 'STREAM_UNSAVED'

  constructor () {
    super('The frames of this stream cannot be saved at the moment.')
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
