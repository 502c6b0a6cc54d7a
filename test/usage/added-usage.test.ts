import t from 'tap'
import type { AttemptUsage } from '../../usage/attempt-usage.ts'
import { addedUsage, detailedUsage, totalUsage } from '../../usage/added-usage.ts'

const cost = (promptTokens: number, completionTokens: number, source: AttemptUsage['source']): AttemptUsage => ({ promptTokens, completionTokens, totalTokens: promptTokens + completionTokens, source })

t.test('attempts together: the sum, by the weakest mark', async t => {
  t.equal(totalUsage([]), null)
  t.equal(totalUsage([null, null]), null)
  t.same(totalUsage([cost(1, 2, 'reported')]), cost(1, 2, 'reported'))
  t.same(totalUsage([null, cost(1, 2, 'partial'), null, cost(10, 20, 'reported')]), cost(11, 22, 'partial'))
  t.same(totalUsage([cost(1, 2, 'reported'), cost(10, 20, 'estimated'), cost(100, 200, 'partial')]), cost(111, 222, 'estimated'))
})

t.test('usages together: what both have is added up, what one has stays', async t => {
  const a = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { cached_tokens: 1, audio_tokens: 5 }, completion_tokens_details: { reasoning_tokens: 7 } }
  const b = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30, prompt_tokens_details: { cached_tokens: 2, text_tokens: 4 } }
  t.same(addedUsage(a, b), {
    prompt_tokens: 11,
    completion_tokens: 22,
    total_tokens: 33,
    prompt_tokens_details: { cached_tokens: 3, audio_tokens: 5, text_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 7 }
  })
  t.same(addedUsage(b, a), addedUsage(a, b))
  const { prompt_tokens_details: _, ...plain } = a
  t.same(addedUsage(plain, b), { ...addedUsage(a, b), prompt_tokens_details: b.prompt_tokens_details })
})

t.test('the usage of an attempt that was estimated keeps what its provider told beside the counts', async t => {
  t.same(detailedUsage(cost(5, 6, 'estimated'), { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5, prompt_tokens_details: { cached_tokens: 3 } }), { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11, prompt_tokens_details: { cached_tokens: 3 } })
  t.same(detailedUsage(cost(5, 6, 'estimated'), undefined), { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 })
})
