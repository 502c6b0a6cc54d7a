import { UpstreamError } from '../../errors/upstream-error.ts'

/** What something that is to fail fails with. */
export async function rejectionOf (failing: PromiseLike<unknown>): Promise<unknown> {
  try {
    await failing
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** The error that a call of a target fails with; anything else is a failure of the test. */
export async function upstreamErrorOf (call: PromiseLike<unknown>): Promise<UpstreamError> {
  const error = await rejectionOf(call)
  if (error instanceof UpstreamError) return error
  throw error
}
