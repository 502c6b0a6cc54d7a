import { GatewayError } from './gateway-error.ts'
import { UpstreamError } from './upstream-error.ts'

/** Readers of a stream are told: its replica is gone, and nobody could carry it on. */
export const STREAM_LOST = new GatewayError(502, 'The replica that ran this stream has died.', { type: 'server_error', code: 'stream_lost' })

/** Readers of a stream are told: somebody has deleted it, or nobody has come back for it in time. */
export const STREAM_CANCELLED = new GatewayError(499, 'The stream was cancelled.', { type: 'api_error', code: 'stream_cancelled' })

/** What breaks a stream whose replica is gone, for whoever is to carry it on. */
export function replicaLost (): UpstreamError {
  return new UpstreamError('replica_lost', 'The replica that ran this stream is gone.')
}
