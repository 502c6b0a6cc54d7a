import t from 'tap'
import { UnansweredStatements } from '../../db/statement.ts'

t.test('each answer finds its statement, in any order; one that nobody waits for is nothing', async t => {
  const unanswered = new UnansweredStatements()
  const sent: number[] = []
  const answers = [0, 1, 2].map(async () => await unanswered.ask(id => { sent.push(id) }))
  for (const id of sent.toReversed()) unanswered.answer(id, { rows: [`row ${id}`] })
  unanswered.answer(77, { rows: [] })
  t.same(await Promise.all(answers), sent.map(id => ({ rows: [`row ${id}`] })))
  t.equal(new Set(sent).size, 3)
})

t.test('an answer that comes while it is sent counts', async t => {
  const unanswered = new UnansweredStatements()
  t.same(await unanswered.ask(id => unanswered.answer(id, { error: 'no', code: '42P01' })), { error: 'no', code: '42P01' })
})

t.test('when no answers come any more, all that wait and all that follow are told so', async t => {
  const unanswered = new UnansweredStatements()
  const waiting = unanswered.ask(() => {})
  unanswered.lose('gone')
  t.same(await waiting, { error: 'gone' })
  t.same(await unanswered.ask(() => t.fail('nothing is sent')), { error: 'gone' })
})
