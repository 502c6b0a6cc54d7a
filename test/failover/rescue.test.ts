/**
 * A stream that breaks in the middle goes on at another target. `a` is who breaks.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { FailoverCall } from '../../failover/running-call.ts'
import type { ModelRoute } from '../../failover/model-routes.ts'
import type { Speaker } from '../../failover/speaker.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { asChunk, choiceChunk, finishChunk, roleChunk, textChunk, usageChunk } from '../support/chunks.ts'
import { collected } from '../support/collected-stream.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour, FakeOptions } from '../support/fake-provider.ts'
import { chunk } from '../support/scripted-upstream.ts'
import { settle } from '../support/virtual-time.ts'

const continuing = (change: Partial<Omit<FailoverCall, 'route'>> & { readonly route?: Partial<ModelRoute> } = {}) => ({ ...change, route: { midstreamFailover: 'continue' as const, ...change.route } })

/** Says this, then breaks. */
const breaking = (...texts: readonly string[]): Behaviour => call => {
  const writer = call.stream()
  for (const each of [roleChunk(), ...texts.map(textChunk)]) writer.offer(each)
  writer.fail(new UpstreamError('reset', 'broke'))
}

/** Says this, and is done; its chunks are of an answer of its own. */
const saying = (...texts: readonly string[]): Behaviour => call => {
  const writer = call.stream()
  const own = { id: `of ${call.target}`, created: 2, model: call.target, system_fingerprint: 'fp' }
  for (const each of [chunk({ role: 'assistant', content: '' }), ...texts.map(content => chunk({ content })), chunk({}, 'stop')]) writer.offer(asChunk({ ...each, ...own }))
  writer.offer(usageChunk())
  writer.end({ terminal: true })
}

async function streamed (targets: Readonly<Record<string, Behaviour>>, options: FakeOptions = {}, call: Parameters<typeof continuing>[0] = {}) {
  const fake = new FakeTargets(targets, options)
  const answer = await fake.failover.stream(fake.call(continuing(call)))
  const stream = await collected(answer.answer)
  await settle()
  return { fake, answer, ...stream }
}

t.test('another target, asked anew, says the same and more: what was sent is taken out to the letter', async t => {
  const { fake, answer, text, roles, finishReasons, error, chunks } = await streamed({ a: breaking('The quick bro', 'wn f'), b: saying('Th', 'e quick b', 'rown fox', ' jumps') })
  t.equal(error, undefined)
  t.equal(text, 'The quick brown fox jumps')
  t.same([roles, finishReasons], [1, ['stop']])
  t.same(new Set(chunks.map(({ id, created, model, system_fingerprint: print }) => [id, created, model, print].join())), new Set([['chatcmpl-1', 1_700_000_000, 'scripted', undefined].join()]), 'all chunks are of one answer')
  t.equal(answer.target, 'a')
  t.match(fake.calls[1]?.call.request, fake.calls[0]?.call.request)
  t.same(fake.journal, ['a: success', 'a: failure reset', 'b: success', 'b: success'])
  t.match(fake.records, [{ target: 'a', attemptNo: 1, reason: 'reset' }, { target: 'b', attemptNo: 2, reason: null, totalTokens: 8 }])
  t.same(fake.rescues, [{ kind: 'rescued', requestId: 'req-1', from: 'a', reason: 'reset', to: 'b', how: 'restart' }])
})

t.test('who speaks is told of: the first one, and who goes on, with how many chunks were sent before', async t => {
  const speakers: Speaker[] = []
  const { fake } = await streamed({ a: breaking('One', ', two'), b: saying('Another story'), c: saying('One, two, three') }, {}, { onSpeaker: speaker => speakers.push(speaker) })
  t.match(speakers, [{ target: 'a', provider: 'fake', model: 'model of a', number: 1, after: 0 }, { target: 'c', model: 'model of c', number: 3, after: 3 }])
  t.equal(speakers.length, 2, 'who said something else never spoke')
  t.same(speakers.map(({ id }) => id), fake.records.filter(({ target }) => target !== 'b').map(({ id }) => id))
})

t.test('a target that can goes on from the text: blanks at its end are not given, and taken out of what comes', async t => {
  const { fake, text, error } = await streamed(
    { a: breaking('One, two, \n'), b: saying(' ', '\nthree', '.') },
    { continues: { b: 'prefix' } },
    { request: { messages: [{ role: 'user', content: 'Count' }], max_tokens: 100, max_completion_tokens: 2 } }
  )
  t.equal(error, undefined)
  t.equal(text, 'One, two, \nthree.')
  const { call } = fake.calls[1] ?? {}
  t.same(call?.continuation, { text: 'One, two,' })
  t.match(call?.request, { messages: [{ content: 'Count' }], max_tokens: 97, max_completion_tokens: 1 })
  t.match(fake.rescues, [{ kind: 'rescued', to: 'b', how: 'prefix' }])
})

t.test('a target that repeats the text that it was given', async t => {
  const { text, error } = await streamed({ a: breaking('One, '), b: saying('One', ', two') }, { continues: { b: 'prefix_echoed' } })
  t.equal(error, undefined)
  t.equal(text, 'One, two')
})

t.test('who can go on from a text is asked before those who cannot; who broke comes last of each', async t => {
  const refusing: Behaviour = call => call.refuse(new UpstreamError('connect', 'x'))
  let calls = 0
  const fake = new FakeTargets({ a: call => (calls++ === 0 ? breaking('x') : refusing)(call), b: refusing, c: refusing, d: refusing }, { continues: { a: 'prefix', d: 'prefix' } })
  const { answer } = await fake.failover.stream(fake.call(continuing()))
  t.match(await collected(answer), { text: 'x', error: { reason: 'reset' } })
  t.same(fake.calls.map(({ target }) => target), ['a', 'd', 'a', 'b'], 'three at the most')
})

t.test('a single target whose connection was cut carries on with itself', async t => {
  let calls = 0
  const { text, error, fake } = await streamed({ a: call => (calls++ === 0 ? breaking('Hel') : saying('Hello'))(call) })
  t.equal(error, undefined)
  t.equal(text, 'Hello')
  t.match(fake.rescues, [{ from: 'a', to: 'a' }])
})

t.test('who does not want the beginning is asked anew, and the refusal ends nothing', async t => {
  let calls = 0
  const { text, error, fake } = await streamed({
    a: breaking('Hel'),
    b: call => (calls++ === 0 ? call.refuse(new UpstreamError('invalid_request', 'no prefill', { status: 400 })) : saying('Hello')(call))
  }, { continues: { b: 'prefix' } })
  t.equal(error, undefined)
  t.equal(text, 'Hello')
  t.same(fake.calls.map(({ target, call }) => [target, call.continuation?.text]), [['a', undefined], ['b', 'Hel'], ['a', undefined], ['b', undefined]], 'after those who were not asked yet')
})

t.test('who says something else is given up, and held against nobody; the first error is the one that is told', async t => {
  const { fake, text, finishReasons, error } = await streamed({ a: breaking('Hello'), b: saying('Help', ' me'), c: saying('Hell') })
  t.equal(text, 'Hello')
  t.same(finishReasons, [])
  t.match(error, { reason: 'reset', message: 'broke' })
  t.equal(fake.calls[1]?.writer.queue.state.kind === 'cancelled' || fake.calls[1]?.writer.over, true)
  t.match(fake.records, [{ target: 'a', reason: 'reset' }, { target: 'b', class: 'neutral', reason: 'diverged' }, { target: 'c', class: 'neutral', reason: 'diverged' }, { target: 'a', reason: 'reset' }])
  t.match(fake.rescues, [{ kind: 'failed', from: 'a', reason: 'reset', to: 'a', how: 'restart' }])
})

t.test('who broke while it caught up gives way to the next, and only three may try', async t => {
  const cut: Behaviour = breaking('Hel')
  const { fake, text, error } = await streamed({ a: breaking('Hello'), b: cut, c: cut, d: cut, e: saying('Hello you') })
  t.equal(text, 'Hello')
  t.match(error, { reason: 'reset' })
  t.same(fake.calls.map(({ target }) => target), ['a', 'b', 'c', 'd'])
})

t.test('who carries on may break as well', async t => {
  const { fake, text, error } = await streamed({ a: breaking('One'), b: breaking('One, two'), c: saying('One, two, three') })
  t.equal(error, undefined)
  t.equal(text, 'One, two, three')
  t.match(fake.rescues, [{ kind: 'rescued', from: 'a', to: 'b' }, { kind: 'rescued', from: 'b', to: 'c' }])
})

t.test('the usage of all attempts is added up, in the chunk and for the log', async t => {
  const counted: Behaviour = call => {
    const writer = call.stream()
    writer.offer(asChunk({ ...chunk({ content: 'One' }), usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14, prompt_tokens_details: { cached_tokens: 2 } } }))
    writer.fail(new UpstreamError('truncated', 'cut'))
  }
  const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8, prompt_tokens_details: { cached_tokens: 1 }, completion_tokens_details: { reasoning_tokens: 2 } }
  const { chunks, answer, fake } = await streamed({
    a: counted,
    b: call => {
      const writer = call.stream()
      for (const each of [textChunk('One, two'), finishChunk(), usageChunk({ usage })]) writer.offer(each)
      writer.end({ terminal: true })
    }
  }, {}, { request: { messages: [{ role: 'user', content: 'Hi' }], stream_options: { include_usage: true } } })
  t.match(chunks.at(-1), {
    id: 'chatcmpl-1',
    choices: [],
    usage: { prompt_tokens: 13, completion_tokens: 9, total_tokens: 22, prompt_tokens_details: { cached_tokens: 3 }, completion_tokens_details: { reasoning_tokens: 2 } }
  })
  t.same(answer.usage(), { promptTokens: 13, completionTokens: 9, totalTokens: 22, source: 'partial' })
  t.match(fake.records, [{ totalTokens: 14, usageSource: 'partial' }, { totalTokens: 8, usageSource: 'reported' }])
})

t.test('an attempt that nobody counted is estimated, and with it the whole', async t => {
  const { answer, chunks } = await streamed({ a: breaking('One'), b: saying('One, two') }, {}, { request: { messages: [{ role: 'user', content: 'Hi' }], stream_options: { include_usage: true } } })
  const total = answer.usage()
  t.match(total, { source: 'estimated', completionTokens: 6 })
  t.match(chunks.at(-1), { usage: { prompt_tokens: total?.promptTokens, completion_tokens: total?.completionTokens, total_tokens: total?.totalTokens } })
})

t.test('what is not rescued', async t => {
  const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }
  const cases: Readonly<Record<string, readonly JsonObject[]>> = {
    'a tool call': [chunk({ content: 'x' }), chunk({ tool_calls: [call] })],
    'a function call': [chunk({ content: 'x' }), chunk({ function_call: { name: 'f', arguments: '' } })],
    'a refusal': [chunk({ refusal: 'no' })],
    audio: [chunk({ content: 'x' }), chunk({ audio: { data: 'AA' } })],
    annotations: [chunk({ content: 'x', annotations: [{ type: 'url_citation' }] })],
    'details of the reasoning': [chunk({ content: 'x', reasoning_details: [{ type: 'reasoning.text', index: 0 }] })],
    'reasoning alone': [chunk({ reasoning_content: 'hm' })],
    'log probabilities': [{ ...chunk({}), choices: [{ index: 0, delta: { content: 'x' }, logprobs: { content: [] }, finish_reason: null }] }],
    'what is not known': [chunk({ content: 'x', thoughts: { of: 1 } })],
    'content in parts': [chunk({ content: [{ type: 'text', text: 'x' }] })],
    'an answer that has said that it is done': [chunk({ content: 'x' }), chunk({}, 'stop')],
    'several choices': [chunk({ content: 'x' }), JSON.parse(choiceChunk(1, 'y').json)]
  }
  for (const [what, chunks] of Object.entries(cases)) {
    const { fake, error } = await streamed({
      a: call => {
        const writer = call.stream()
        for (const each of chunks) writer.offer(asChunk(each))
        writer.fail(new UpstreamError('reset', 'broke'))
      },
      b: saying('x and more')
    })
    t.match(error, { reason: 'reset' }, what)
    t.equal(fake.calls.length, 1, what)
    t.same(fake.rescues, [], what)
  }
})

t.test('no request is rescued that asks for several choices, log probabilities or sound, and none where it is off', async t => {
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  for (const change of [{ request: { messages, n: 2 } }, { request: { messages, logprobs: true } }, { request: { messages, modalities: ['text', 'audio'] } }, { route: { midstreamFailover: 'off' as const } }]) {
    const { fake, error } = await streamed({ a: breaking('x'), b: saying('xy') }, {}, change)
    t.match(error, { reason: 'reset' })
    t.equal(fake.calls.length, 1)
  }
})

t.test('which failures are rescued', async t => {
  for (const reason of ['reset', 'truncated', 'stalled', 'in_band_error', 'upstream_error', 'malformed', 'rate_limited', 'quota_exhausted'] as const) {
    const { text, error } = await streamed({ a: call => { call.stream().offer(textChunk('x')); call.writer.fail(new UpstreamError(reason, '')) }, b: saying('xy') })
    t.same([text, error], ['xy', undefined], reason)
  }
  for (const reason of ['client_closed', 'deadline', 'shutdown', 'content_filter', 'invalid_request', 'internal', 'unauthorized'] as const) {
    const { error, fake } = await streamed({ a: call => { call.stream().offer(textChunk('x')); call.writer.fail(new UpstreamError(reason, '')) }, b: saying('xy') })
    t.match(error, { reason }, reason)
    t.equal(fake.calls.length, 1, reason)
  }
})

t.test('requests that are asked anew, though the target could go on', async t => {
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  const tools = [{ type: 'function' as const, function: { name: 'f' } }]
  const requests: ReadonlyArray<FailoverCall['request']> = [
    { messages, tools },
    { messages, response_format: { type: 'json_object' } },
    { messages, reasoning_effort: 'low' },
    { messages: [...messages, { role: 'assistant', content: 'I' }] },
    { messages, web_search_options: {} },
    Object.assign({ messages }, { guided_regex: 'x+' })
  ]
  for (const request of requests) {
    const { fake, text } = await streamed({ a: breaking('x'), b: saying('xy') }, { continues: { b: 'prefix' } }, { request })
    t.equal(text, 'xy')
    t.equal(fake.calls[1]?.call.continuation, undefined)
  }
  const { fake } = await streamed({ a: breaking(' \n'), b: saying(' \nx') }, { continues: { b: 'prefix' } }, { request: { messages, tools: [], response_format: { type: 'text' } } })
  t.equal(fake.calls[1]?.call.continuation, undefined, 'nothing but blanks was sent')
})

t.test('reasoning before the text: the second one\'s is dropped up to the seam', async t => {
  const thinking = (thought: string, ...texts: string[]): Behaviour => call => {
    const writer = call.stream()
    for (const each of [chunk({ role: 'assistant', reasoning_content: thought }), ...texts.map(content => chunk({ content }))]) writer.offer(asChunk(each))
    if (call.target === 'a') writer.fail(new UpstreamError('reset', 'broke'))
    else {
      writer.offer(finishChunk())
      writer.end({ terminal: true })
    }
  }
  const { text, chunks, error } = await streamed({ a: thinking('first', 'x'), b: thinking('second', 'xy') })
  t.equal(error, undefined)
  t.equal(text, 'xy')
  t.notMatch(JSON.stringify(chunks), 'second')
})

t.test('who goes on from a text and thinks instead has not understood', async t => {
  const { text, error, fake } = await streamed({
    a: breaking('x'),
    b: call => {
      const writer = call.stream()
      for (const each of [chunk({ reasoning_content: 'y' }), chunk({}, 'stop')]) writer.offer(asChunk(each))
      writer.end({ terminal: true })
    },
    c: saying('xy')
  }, { continues: { b: 'prefix' } })
  t.same([text, error], ['xy', undefined])
  t.match(fake.records[1], { target: 'b', reason: 'diverged' })
})

t.test('a tool call may follow the text that was sent', async t => {
  const { chunks, finishReasons, error } = await streamed({
    a: breaking('Let me see.'),
    b: call => {
      const writer = call.stream()
      for (const each of [chunk({ role: 'assistant', content: 'Let me see.' }), chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] }), chunk({}, 'tool_calls')]) writer.offer(asChunk(each))
      writer.end({ terminal: true })
    }
  }, {}, { request: { messages: [{ role: 'user', content: 'Hi' }], tools: [{ type: 'function', function: { name: 'f' } }] } })
  t.equal(error, undefined)
  t.match(chunks.at(-2), { choices: [{ delta: { tool_calls: [{ id: 'c' }] } }] })
  t.same(finishReasons, ['tool_calls'])
})

t.test('half a surrogate pair that was sent is not given, and comes again', async t => {
  const { text, fake } = await streamed({ a: breaking('A \ud83d'), b: saying(' \ud83d\ude00!') }, { continues: { b: 'prefix' } })
  t.equal(text, 'A 😀!')
  t.same(fake.calls[1]?.call.continuation, { text: 'A' })
})

t.test('an open breaker is passed over', async t => {
  const fake = new FakeTargets({ a: breaking('x'), b: saying('xy'), c: saying('xy') })
  fake.refusals.set('b', { kind: 'refused', why: 'open', retryAfterMs: 1000 })
  const { answer } = await fake.failover.stream(fake.call(continuing()))
  t.match(await collected(answer), { text: 'xy', error: undefined })
  t.same(fake.calls.map(({ target }) => target), ['a', 'c'])
})

t.test('onTry counts on', async t => {
  const tries: Array<[string, number, boolean]> = []
  await streamed({ a: call => call.refuse(new UpstreamError('connect', '')), b: breaking('x'), c: saying('xy') }, {}, { onTry: (target, attempts, beside) => tries.push([target, attempts, beside]) })
  t.same(tries, [['a', 1, false], ['b', 2, false], ['c', 3, false]], 'none of them beside another')
})
