import { UpstreamError } from '../../errors/upstream-error.ts'

/**
 * The error for a request that Gemini cannot express.
 * @param param the field, as a path in the caller's request
 * @param why what Gemini wants instead; no value of the request
 */
export function unsupported (param: string, why: string): UpstreamError {
  return new UpstreamError('unsupported', `Gemini does not support ${param}: ${why}.`, { param })
}
