/**
 * A `fetch` whose connections are lost where the test says: so many bytes of the answer's body arrive, in pieces of any size,
 * and the rest never does.
 */

/** What becomes of one answer. */
export interface BodyCut {
  /** So many bytes arrive; Infinity: all. */
  readonly after: number
  /** In pieces of so many. Default: as they came. */
  readonly pieces?: number | undefined
  /** Whether the answer seems to end there, instead of breaking. */
  readonly inOrder?: boolean | undefined
}

/** @param cutOf told the number of the answer, from 1; answers without a stream of events are left alone */
export function cutFetch (cutOf: (answer: number) => BodyCut, origin: typeof globalThis.fetch = globalThis.fetch): typeof globalThis.fetch {
  let answers = 0
  return async (input, init) => {
    const response = await origin(input, init)
    const { body, status, headers } = response
    if (body === null || headers.get('content-type')?.startsWith('text/event-stream') !== true) return response
    return new Response(cutBody(body, cutOf(++answers)), { status, headers })
  }
}

function cutBody (body: ReadableStream<Uint8Array>, { after, pieces = Infinity, inOrder = false }: BodyCut): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let left = after
  return new ReadableStream<Uint8Array>({
    async pull (controller) {
      if (left > 0) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        const kept = value.subarray(0, left)
        left -= kept.length
        for (let at = 0; at < kept.length; at += pieces) controller.enqueue(kept.subarray(at, at + pieces))
        if (left > 0) return
      }
      await reader.cancel()
      if (inOrder) controller.close()
      else controller.error(new TypeError('cut by the test'))
    },
    cancel: async () => await reader.cancel()
  }, { highWaterMark: 0 })
}
