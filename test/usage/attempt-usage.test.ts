import t from 'tap'
import type { Usage } from '../../schemas/chat-completion.ts'
import { attemptUsage } from '../../usage/attempt-usage.ts'
import type { AttemptUsage } from '../../usage/attempt-usage.ts'

const PROMPT = 100

/** Of an attempt that put out `tokens`, the last `uncountedTokens` of them after the counts. */
function usageOf (complete: boolean, counts: Partial<Usage> | undefined, tokens = 0, uncountedTokens = tokens): AttemptUsage {
  return attemptUsage({
    complete,
    counts: counts === undefined ? undefined : { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, ...counts },
    output: { tokens, uncountedTokens },
    promptTokens: () => PROMPT
  })
}

const COUNTS: Usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 9 }

t.test('the provider\'s counts of all that came are taken as they are', async t => {
  t.same(usageOf(true, COUNTS, 50, 0), { promptTokens: 3, completionTokens: 5, totalTokens: 9, source: 'reported' })
  t.same(usageOf(false, COUNTS, 50, 0), { promptTokens: 3, completionTokens: 5, totalTokens: 9, source: 'partial' })
})

t.test('where it never counted, both are estimated', async t => {
  for (const complete of [true, false]) t.same(usageOf(complete, undefined, 50), { promptTokens: PROMPT, completionTokens: 50, totalTokens: PROMPT + 50, source: 'estimated' })
  t.same(usageOf(false, undefined), { promptTokens: PROMPT, completionTokens: 0, totalTokens: PROMPT, source: 'estimated' }, 'nothing came: the prompt was paid for')
})

t.test('where it counted the prompt alone, the output is estimated', async t => {
  for (const complete of [true, false]) t.same(usageOf(complete, { prompt_tokens: 3, total_tokens: 3 }, 50), { promptTokens: 3, completionTokens: 50, totalTokens: 53, source: 'estimated' })
  t.match(usageOf(false, { prompt_tokens: 3, total_tokens: 3 }, 50, 0), { completionTokens: 50, source: 'estimated' }, 'also where it did so beside the output')
})

t.test('what came after its counts is added to them', async t => {
  t.same(usageOf(false, COUNTS, 50, 10), { promptTokens: 3, completionTokens: 15, totalTokens: 18, source: 'estimated' })
  t.same(usageOf(true, COUNTS, 50, 10), { promptTokens: 3, completionTokens: 15, totalTokens: 18, source: 'estimated' })
})

t.test('no completion tokens are right where nothing was produced', async t => {
  t.same(usageOf(true, { prompt_tokens: 3, total_tokens: 3 }), { promptTokens: 3, completionTokens: 0, totalTokens: 3, source: 'reported' })
  t.same(usageOf(false, { prompt_tokens: 3, total_tokens: 3 }), { promptTokens: 3, completionTokens: 0, totalTokens: 3, source: 'partial' })
})

t.test('zeros, or a sum alone, are no counts', async t => {
  t.match(usageOf(true, {}, 50), { promptTokens: PROMPT, completionTokens: 50, source: 'estimated' })
  t.match(usageOf(true, { total_tokens: 9 }, 50), { promptTokens: PROMPT, completionTokens: 50, source: 'estimated' })
  t.match(usageOf(true, { completion_tokens: 5 }, 50, 0), { promptTokens: PROMPT, completionTokens: 5, source: 'estimated' })
})

t.test('nothing is estimated that is not needed', async t => {
  const usage = attemptUsage({
    complete: true,
    counts: COUNTS,
    output: { get tokens (): number { throw new Error('estimated') }, uncountedTokens: 0 },
    promptTokens: () => { throw new Error('estimated') }
  })
  t.equal(usage.source, 'reported')
})
