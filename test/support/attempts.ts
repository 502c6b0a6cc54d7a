import type { AttemptRecord } from '../../breaker/attempt.ts'
import { uuidv7 } from '../../breaker/uuid.ts'
import type { AttemptRow } from '../../db/audit.ts'

/** An attempt that worked, unless `change` says otherwise. */
export function attemptRecord (change: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    id: uuidv7(),
    requestId: 'req-1',
    target: 'a',
    model: 'gpt-4o',
    provider: 'openai',
    stream: true,
    attemptNo: 1,
    class: 'success',
    reason: null,
    status: 200,
    firstOutputMs: 120.4,
    durationMs: 900,
    chunks: 42,
    promptTokens: 10,
    completionTokens: 40,
    totalTokens: 50,
    usageSource: 'reported',
    finishReason: 'stop',
    ...change
  }
}

/** The same as a row, ended `agoMs` ago. */
export function attemptRow (change: Partial<AttemptRecord> = {}, agoMs = 0): AttemptRow {
  return { ...attemptRecord(change), agoMs }
}
