/** Runs `callback` after `ms`; gives a function that calls it off. */
export type Schedule = (ms: number, callback: () => void) => () => void

/** The store took too long: a frozen database answers never, not late. */
export class StreamStoreTimeoutError extends Error {
  override readonly name = 'StreamStoreTimeoutError'

  constructor (ms: number) {
    super(`the stream log's store did not answer within ${ms} ms`)
  }
}

/** @throws {StreamStoreTimeoutError}, or whatever the promise rejects with */
export async function inTime<T> (promise: Promise<T>, ms: number, schedule: Schedule): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const cancel = schedule(ms, () => reject(new StreamStoreTimeoutError(ms)))
    promise.finally(cancel).then(resolve, reject)
  })
}
