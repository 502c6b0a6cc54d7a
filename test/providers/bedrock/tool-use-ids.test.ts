import fc from 'fast-check'
import t from 'tap'
import { modelOf } from '../../../providers/bedrock/model.ts'
import { ToolUseIds } from '../../../providers/bedrock/tool-use-ids.ts'
import type { Message } from '../../../schemas/messages.ts'
import { CLAUDE, HELLO, NOVA, turnsOf } from './converse.ts'

const first = (id: string, model = NOVA): string => new ToolUseIds(modelOf(model)).next(id)

t.test('ids that Converse takes stay as they are', async t => {
  for (const id of ['call_1', 'tooluse_bpe71yCfRu2b5i-nKGDr5g', 'a'.repeat(64)]) t.equal(first(id), id)
  t.equal(first('functions.weather:0', 'moonshot.kimi-k2-thinking'), 'functions.weather:0')
  t.equal(first('bpe71yCfR', 'mistral.mistral-large-2402-v1:0'), 'bpe71yCfR')
  t.equal(first('tooluse_bpe71yCfRu2b5i-nKGDr5g', 'mistral.mistral-large-2402-v1:0'), 'tooluse_bpe71yCfRu2b5i-nKGDr5g')
})

t.test('others go by a digest, the same each time', async t => {
  for (const id of ['functions.weather:0', 'a b', 'ü', 'a'.repeat(65)]) {
    t.match(first(id), /^[0-9a-f]{32}$/)
    t.equal(first(id), first(id))
  }
  t.match(first('call_1', 'us.mistral.pixtral-large-2502-v1:0'), /^[0-9a-f]{9}$/)
})

t.test('whatever the ids, each is one that Converse takes, and different from the others', async () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'B', '0', '_', '-', '.', ':', ' ', 'ü', '👋', '\u0000'), minLength: 1, maxLength: 80 }), { maxLength: 20 }), fc.constantFrom(NOVA, CLAUDE, 'mistral.x', 'moonshot.x'), (ids, model) => {
    const given = new ToolUseIds(modelOf(model))
    const all = ids.map(id => given.next(id))
    return all.every(id => /^[\w.:-]{1,64}$/.test(id)) && new Set(all).size === all.length && given.count === ids.length
  }))
})

t.test('a call and its result have the same one, and a conversation that another provider began goes on', async t => {
  const id = `fc_${'x'.repeat(90)}|call:1`
  const round: Message[] = [{ role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'weather', arguments: '' } }] }, { role: 'tool', tool_call_id: id, content: 'sunny' }]
  const ids = turnsOf([HELLO, ...round, ...round], CLAUDE)?.flatMap(({ content }) => content?.map(({ toolUse, toolResult }) => toolUse?.toolUseId ?? toolResult?.toolUseId) ?? []).slice(1) ?? []
  t.equal(ids.length, 4)
  t.equal(ids[0], ids[1])
  t.equal(ids[2], ids[3])
  t.not(ids[0], ids[2], 'servers that count their calls use an id again in a later turn')
})
