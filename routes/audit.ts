import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { InvalidCursorError } from '../db/audit.ts'
import type { AuditEntry } from '../db/audit.ts'
import { invalidRequest } from '../errors/gateway-error.ts'
import { AuditPage, AuditQuery } from '../schemas/audit.ts'
import type { AuditAttempt, AuditTransition } from '../schemas/audit.ts'
import { ErrorBody } from '../schemas/error.ts'

/** `GET /v1/audit`: attempts and breaker transitions, newest first. */
const audit: FastifyPluginAsyncTypebox = async fastify => {
  fastify.get('/v1/audit', {
    schema: {
      tags: ['operation'],
      operationId: 'listAudit',
      summary: 'Attempts and breaker transitions, newest first (admin)',
      querystring: AuditQuery,
      response: { 200: AuditPage, 503: ErrorBody }
    },
    onRequest: fastify.auth.admin
  }, async request => {
    const { request_id: requestId, since, until, ...query } = request.query
    // What was recorded a moment ago shall be on the page, unless it has been waiting for a while.
    if (!fastify.auditLog.failing) await fastify.auditLog.flush()
    try {
      const { entries, nextCursor } = await fastify.auditLog.list({ ...query, requestId, since: dateOf(since), until: dateOf(until) })
      return { object: 'list' as const, data: entries.map(entryOf), next_cursor: nextCursor }
    } catch (error) {
      if (error instanceof InvalidCursorError) throw invalidRequest('The cursor is not one that a previous page returned.', 'cursor')
      throw error
    }
  })
}

function dateOf (text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function entryOf (entry: AuditEntry): AuditAttempt | AuditTransition {
  if (entry.kind === 'transition') {
    const { openForMs, ...rest } = entry
    return { ...rest, open_for_ms: openForMs }
  }
  const { requestId, attemptNo, firstOutputMs, durationMs, promptTokens, completionTokens, totalTokens, usageSource, finishReason, ...rest } = entry
  return {
    ...rest,
    request_id: requestId,
    attempt: attemptNo,
    first_output_ms: firstOutputMs,
    duration_ms: durationMs,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: totalTokens,
    usage_source: usageSource,
    finish_reason: finishReason
  }
}

export default audit
