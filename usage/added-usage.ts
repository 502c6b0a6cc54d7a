import type { Usage } from '../schemas/chat-completion.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'
import type { AttemptUsage } from './attempt-usage.ts'

/** An answer that several attempts have made together: what they have cost, added up. */

/** From the strongest to the weakest. */
const SOURCES = ['reported', 'partial', 'estimated'] as const

/** Null where no provider has taken an attempt on. Its mark is the weakest of theirs. */
export function totalUsage (usages: ReadonlyArray<AttemptUsage | null>): AttemptUsage | null {
  return usages.reduce((sum, each) => {
    if (sum === null || each === null) return sum ?? each
    return {
      promptTokens: sum.promptTokens + each.promptTokens,
      completionTokens: sum.completionTokens + each.completionTokens,
      totalTokens: sum.totalTokens + each.totalTokens,
      source: SOURCES.indexOf(sum.source) < SOURCES.indexOf(each.source) ? each.source : sum.source
    }
  }, null)
}

/** Both usages as one: every number that both have is added up, and what only one of them has stays as it is. */
export function addedUsage (a: Usage, b: Usage): Usage {
  return {
    ...added(a, b),
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    completion_tokens: a.completion_tokens + b.completion_tokens,
    total_tokens: a.total_tokens + b.total_tokens
  }
}

/** The usage of one attempt, with the details that its provider has told. */
export function detailedUsage (usage: AttemptUsage, counts: Usage | undefined): Usage {
  return { ...counts, prompt_tokens: usage.promptTokens, completion_tokens: usage.completionTokens, total_tokens: usage.totalTokens }
}

function added (a: JsonObject, b: JsonObject): JsonObject {
  const sum: { [key: string]: unknown } = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const other = a[key]
    if (typeof other === 'number' && typeof value === 'number') sum[key] = other + value
    else if (isJsonObject(other) && isJsonObject(value)) sum[key] = added(other, value)
    else sum[key] = value ?? other
  }
  return sum
}
