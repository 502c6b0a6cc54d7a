import { Type } from 'typebox'
import type { Static } from 'typebox'

/** One tried target and the class of what happened there; nothing more is told to a caller. */
export const FailedAttempt = Type.Object({ target: Type.String(), class: Type.String() })
export type FailedAttempt = Static<typeof FailedAttempt>

/**
 * Every error of the gateway, as a response body and as the last frame of a broken stream.
 * @see https://platform.openai.com/docs/guides/error-codes/api-errors
 */
export const ErrorBody = Type.Object({
  error: Type.Object({
    message: Type.String(),
    type: Type.String(),
    code: Type.Union([Type.String(), Type.Null()]),
    param: Type.Union([Type.String(), Type.Null()]),
    attempts: Type.Optional(Type.Array(FailedAttempt))
  })
}, { $id: 'Error' })
export type ErrorBody = Static<typeof ErrorBody>
