import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { BreakerSnapshot } from '../breaker/state.ts'
import { notFound } from '../errors/gateway-error.ts'
import type { Provider } from '../providers/provider.ts'
import { BreakerAction, Target, TargetList, TargetParams } from '../schemas/target.ts'

/** `GET /v1/targets`, and `POST /v1/targets/{name}/breaker` to change a breaker by hand. */
const targets: FastifyPluginAsyncTypebox = async fastify => {
  fastify.get('/v1/targets', {
    schema: { tags: ['targets'], operationId: 'listTargets', summary: 'Every target, with its breaker', response: { 200: TargetList } },
    onRequest: fastify.auth.caller
  }, async () => {
    const data: Target[] = []
    for (const snapshot of await fastify.breakers.list()) {
      const provider = fastify.providers.get(snapshot.target)
      if (provider !== undefined) data.push(targetOf(snapshot, provider))
    }
    return { object: 'list' as const, data }
  })

  fastify.post('/v1/targets/:name/breaker', {
    schema: {
      tags: ['targets'],
      operationId: 'changeBreaker',
      summary: 'Changes a target\'s breaker by hand (admin)',
      params: TargetParams,
      body: BreakerAction,
      response: { 200: Target }
    },
    onRequest: fastify.auth.admin
  }, async request => {
    const { name } = request.params
    const provider = fastify.providers.get(name)
    if (provider === undefined) throw notFound(`There is no target "${name}".`, 'target_not_found', 'name')
    const { action, reason } = request.body
    return targetOf(await fastify.breakers.override(name, action, { by: request.callerId ?? 'admin', reason }), provider)
  })
}

function targetOf (snapshot: BreakerSnapshot, { kind, model }: Provider): Target {
  return {
    name: snapshot.target,
    provider: kind,
    model,
    breaker: {
      state: snapshot.state,
      epoch: snapshot.epoch,
      cause: snapshot.cause,
      status: snapshot.status,
      open_for_ms: wholeMs(snapshot.openForMs),
      cooldown_for_ms: wholeMs(snapshot.cooldownForMs),
      attempts: snapshot.attempts,
      failures: snapshot.failures,
      consecutive_failures: snapshot.consecutiveFailures,
      open_count: snapshot.openCount,
      manual: snapshot.manual
    }
  }
}

/** Rounded up, so that what is still to come never reads 0. */
function wholeMs (ms: number | null): number | null {
  return ms === null ? null : Math.ceil(ms)
}

export default targets
