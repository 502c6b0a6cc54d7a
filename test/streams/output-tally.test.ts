import t from 'tap'
import { OutputTally, outputEstimateOf } from '../../streams/output-tally.ts'
import { textTokens } from '../../usage/text-tokens.ts'
import { textChunk } from '../support/chunks.ts'
import { completion, text } from '../support/scripted-upstream.ts'

/** A tally of a stream of these pieces. */
function tallyOf (pieces: readonly string[], escape: (json: string) => string = json => json): OutputTally {
  const tally = new OutputTally()
  for (const piece of pieces) {
    const json = escape(JSON.stringify(piece))
    tally.add(JSON.stringify(text('@')).replace('"@"', () => json), json.length - 2)
  }
  return tally
}

const ENGLISH = 'The answer reaches the client token by token, while it is still being produced. '.repeat(20)
const CHINESE = '答案在生成的同时逐字到达客户端，最后会记录下它的费用。'.repeat(20)
const CODE = 'for (let at = 0; at < items.length; at++) total += items[at] * 2 // and so on\n'.repeat(20)
const piecesOf = (all: string, length: number) => Array.from({ length: Math.ceil(all.length / length) }, (_, at) => all.slice(at * length, (at + 1) * length))

t.test('from a few of its chunks a stream is told to be what its whole text would be', async t => {
  for (const [name, all] of Object.entries({ ENGLISH, CHINESE, CODE })) {
    for (const length of [2, 5, 30]) {
      const ratio = tallyOf(piecesOf(all, length)).tokens / textTokens([all])
      t.ok(ratio > 0.75 && ratio < 1.25, `${name} in pieces of ${length}: ${ratio}`)
    }
  }
})

t.test('text that is escaped on the wire counts as it reads', async t => {
  const escaped = tallyOf(piecesOf(CHINESE, 3), json => json.replace(/[^ -~]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`))
  const ratio = escaped.tokens / textTokens([CHINESE])
  t.ok(ratio > 0.75 && ratio < 1.25, `${ratio}`)
})

t.test('nothing produced, no tokens; one character, one token', async t => {
  const tally = new OutputTally()
  tally.add('{"choices":[]}', 0)
  t.equal(tally.tokens, 0)
  const { json, characters } = textChunk('a')
  tally.add(json, characters)
  t.equal(tally.tokens, 1)
})

t.test('what came after the provider\'s counts', async t => {
  const tally = tallyOf(piecesOf(ENGLISH, 5))
  const { tokens } = tally
  t.equal(tally.uncountedTokens, tokens)
  tally.counted()
  t.equal(tally.uncountedTokens, 0)
  const { json, characters } = textChunk(ENGLISH)
  tally.add(json, characters)
  const ratio = tally.uncountedTokens / tokens
  t.ok(ratio > 0.75 && ratio < 1.25, `${ratio}`)
  t.ok(tally.tokens > tally.uncountedTokens)
})

t.test('chunks too large to be kept still count', async t => {
  const { json, characters } = textChunk('word '.repeat(20_000))
  const tally = new OutputTally()
  tally.add(json, characters)
  t.equal(tally.tokens, 25_000)
})

t.test('a whole answer is estimated by its text, when somebody asks', async t => {
  t.equal(outputEstimateOf(JSON.stringify(completion(ENGLISH))).tokens, Math.ceil(textTokens([ENGLISH])))
  t.equal(outputEstimateOf('[]').tokens, 0)
  t.equal(outputEstimateOf('no JSON').uncountedTokens, 0, 'it is not even read')
})
