import t from 'tap'
import { withThinking } from '../../../schemas/carried.ts'
import type { Thinking } from '../../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import { ADAPTIVE_CLAUDE, CLAUDE, GPT_OSS, NOVA, PROFILE, converse, refusal } from './converse.ts'

const NOVA_2 = 'global.amazon.nova-2-lite-v1:0'
const EARLIER_CLAUDE = 'anthropic.claude-3-7-sonnet-20250219-v1:0'
const fields = (rest: Partial<ChatCompletionRequest>, model = CLAUDE) => converse(rest, model).additionalModelRequestFields
const carried = (thinking: Thinking, rest: Partial<ChatCompletionRequest> = {}) => withThinking(rest, thinking)
const no = (model: string, rest: Partial<ChatCompletionRequest>, param: string) => ({ given: refusal(rest, model), wanted: { reason: 'unsupported', param } })

t.test('reasoning_effort as a budget of Anthropic\'s models', async t => {
  t.strictSame(fields({ reasoning_effort: 'high' }), { thinking: { type: 'enabled', budget_tokens: 16_384 } })
  t.strictSame(fields({ reasoning_effort: 'minimal' }, EARLIER_CLAUDE), { thinking: { type: 'enabled', budget_tokens: 1024 } })
  t.strictSame(fields({ reasoning_effort: 'medium', max_tokens: 4000 }), { thinking: { type: 'enabled', budget_tokens: 3999 } }, 'stays below the limit')
  t.equal(fields({ reasoning_effort: 'none' }), undefined)
  for (const rest of [{ reasoning_effort: 'low', max_tokens: 1024 }, { reasoning_effort: 'extreme' }]) {
    const { given, wanted } = no(CLAUDE, rest, 'reasoning_effort')
    t.strictSame(given, wanted)
  }
})

t.test('reasoning_effort as the effort of Claude 4.6 and later', async t => {
  for (const model of [ADAPTIVE_CLAUDE, 'us.anthropic.claude-opus-5', 'anthropic.claude-sonnet-4-6']) {
    for (const [said, effort] of [['minimal', 'low'], ['low', 'low'], ['medium', 'medium'], ['high', 'high'], ['xhigh', 'xhigh'], ['max', 'max']] as const) {
      const input = converse({ reasoning_effort: said }, model)
      t.strictSame(input.additionalModelRequestFields, { thinking: { type: 'adaptive' } })
      t.strictSame(input.outputConfig, { effort })
    }
    t.strictSame(fields({ reasoning_effort: 'none' }, model), { thinking: { type: 'disabled' } })
    const { given, wanted } = no(model, { reasoning_effort: 'extreme' }, 'reasoning_effort')
    t.strictSame(given, wanted)
  }
  t.match(converse({ reasoning_effort: 'low', response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'string' } } } }, ADAPTIVE_CLAUDE).outputConfig,
    { effort: 'low', textFormat: { type: 'json_schema' } }, 'beside a schema')
})

t.test('reasoning_effort of other models', async t => {
  t.strictSame(fields({ reasoning_effort: 'medium' }, NOVA_2), { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } })
  t.equal(fields({ reasoning_effort: 'none' }, NOVA_2), undefined)
  t.strictSame(fields({ reasoning_effort: 'high' }, GPT_OSS), { reasoning_effort: 'high' })
  for (const [model, effort] of [[NOVA, 'low'], [NOVA_2, 'minimal'], [GPT_OSS, 'none'], [GPT_OSS, 'xhigh'], ['deepseek.v3-v1:0', 'low'], [PROFILE, 'low'], [PROFILE, 'none']] as const) {
    const { given, wanted } = no(model, { reasoning_effort: effort }, 'reasoning_effort')
    t.strictSame(given, wanted, `${model} ${effort}`)
  }
})

t.test('thinking to the token goes before reasoning_effort', async t => {
  t.strictSame(fields(carried({ kind: 'budget', tokens: 5000 }, { reasoning_effort: 'low' })), { thinking: { type: 'enabled', budget_tokens: 5000 } })
  t.strictSame(fields(carried({ kind: 'off' }, { reasoning_effort: 'low' })), undefined)
  for (const [thinking, said] of [[{ kind: 'off' }, { type: 'disabled' }], [{ kind: 'budget', tokens: 5000 }, { type: 'enabled', budget_tokens: 5000 }]] as const) {
    const input = converse(carried(thinking, { reasoning_effort: 'low' }), ADAPTIVE_CLAUDE)
    t.strictSame(input.additionalModelRequestFields, { thinking: said })
    t.strictSame(input.outputConfig, { effort: 'low' }, 'a setting of its own there')
    t.equal(converse(carried(thinking), ADAPTIVE_CLAUDE).outputConfig, undefined)
  }
})

t.test('adaptive thinking, with an effort if there is one', async t => {
  const plain = converse(carried({ kind: 'adaptive' }), ADAPTIVE_CLAUDE)
  t.strictSame(plain.additionalModelRequestFields, { thinking: { type: 'adaptive' } })
  t.equal(plain.outputConfig, undefined)
  t.strictSame(converse(carried({ kind: 'adaptive' }, { reasoning_effort: 'high' }), ADAPTIVE_CLAUDE).outputConfig, { effort: 'high' })
})

t.test('thinking of other vendors\' models is refused, unless it is off', async t => {
  for (const model of [NOVA, GPT_OSS, PROFILE]) {
    for (const thinking of [{ kind: 'budget', tokens: 2000 }, { kind: 'adaptive' }] as const) {
      const { given, wanted } = no(model, carried(thinking), 'thinking')
      t.strictSame(given, wanted)
    }
    t.strictSame(converse(carried({ kind: 'off' }), model), converse({}, model))
  }
})
