/**
 * What each attempt has cost, as the audit log and the request's log line have it: for every wire protocol, and for every
 * way in which an attempt can end.
 */
import t from 'tap'
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { promptTokens } from '../../usage/prompt-tokens.ts'
import { textTokens } from '../../usage/text-tokens.ts'
import { STOP } from '../providers/bedrock/event-stream-server.ts'
import '../providers/bedrock/target.ts' // credentials that are nobody's
import { ADMIN_KEY, UPSTREAM_KEY, buildGateway } from '../support/build-gateway.ts'
import { FrameReader, bearer, chat, contentOf, framesOf, json, objectOf } from '../support/chat-client.ts'
import type { Frame } from '../support/chat-client.ts'
import { CUT, chunk, hangUp, scriptedUpstream, status, streaming, streamingAs, text as openaiText, usage } from '../support/scripted-upstream.ts'
import type { Counts, Script, Step } from '../support/scripted-upstream.ts'
import * as wires from '../support/wires.ts'

const HEAD = 'The gateway moves the bytes of an answer '
const TAIL = 'while it is still being produced, word by word.'
const ANSWER = HEAD + TAIL
const PROMPT = { messages: [{ role: 'user' as const, content: 'Tell me in one sentence what a gateway does with an answer.' }] }
const PROMPT_TOKENS = promptTokens(PROMPT)

const openai = { target: 'openai', wire: wires.chatCompletions, upstream: await scriptedUpstream(t) }
const gemini = { target: 'gemini', wire: wires.gemini, upstream: await scriptedUpstream(t) }
const bedrock = { target: 'bedrock', wire: wires.bedrock, upstream: await scriptedUpstream(t) }
const TARGETS = [openai, gemini, bedrock]

const gateway = await buildGateway(t, {
  keys: true,
  file: {
    targets: [
      { name: 'openai', provider: 'openai', options: { baseURL: openai.upstream.baseURL, apiKey: UPSTREAM_KEY, model: 'm' } },
      { name: 'gemini', provider: 'gemini', options: { baseURL: gemini.upstream.origin, apiKey: UPSTREAM_KEY, model: 'm' } },
      { name: 'bedrock', provider: 'bedrock', options: { modelId: 'm', region: 'eu-west-1', endpoint: bedrock.upstream.origin } }
    ],
    models: {
      all: { targets: ['openai', 'gemini', 'bedrock'] },
      ...Object.fromEntries(TARGETS.flatMap(({ target }) => [
        [`impatient-${target}`, { targets: [target], firstTokenTimeoutMs: 50 }],
        [`restless-${target}`, { targets: [target], idleTimeoutMs: 50 }]
      ]))
    },
    default: 'all'
  },
  env: { FIRST_TOKEN_TIMEOUT_MS: '60000', IDLE_TIMEOUT_MS: '60000' }
})
// What breaks here is meant to: no breaker shall get in the way.
for (const { target } of TARGETS) await gateway.server.breakers.override(target, 'force_closed', { by: 'test', reason: 'faults are the subject' })

/** Never resolves: the gateway has to end it. */
const FOR_EVER = new Promise<never>(() => {})

let asked = 0
/** Asks; gives the request's id, and the response. */
async function ask (model: string, body: JsonObject = {}, signal?: AbortSignal): Promise<{ id: string, response: Response }> {
  const id = `r${++asked}`
  const response = await chat(gateway.url, { ...PROMPT, model, stream: true, ...body }, { headers: { ...bearer(ADMIN_KEY), 'x-request-id': id }, ...signal === undefined ? {} : { signal } })
  return { id, response }
}

/** A request's attempts as the audit log has them, as soon as it does. */
async function attemptsOf (id: string, count = 1): Promise<JsonObject[]> {
  for (;;) {
    const { data } = await json(await fetch(`${gateway.url}/v1/audit?kind=attempt&request_id=${id}`, { headers: bearer(ADMIN_KEY) }))
    const attempts = Array.isArray(data) ? data.filter(isJsonObject) : []
    if (attempts.length >= count) return attempts.sort((a, b) => Number(a['attempt']) - Number(b['attempt']))
  }
}

type Expected = 'none' | { readonly source: string, readonly prompt: number, readonly completion: number }

const about = (content: string): number => Math.ceil(textTokens([content]))
const estimated = (content: string, prompt = PROMPT_TOKENS): Expected => ({ source: 'estimated', prompt, completion: about(content) })

/** Estimates may be a little off the estimate of the whole text, as they are of samples. */
function costs (t: Test, attempt: JsonObject | undefined, expected: Expected): void {
  const { usage_source: source, prompt_tokens: prompt, completion_tokens: completionTokens, total_tokens: total } = attempt ?? {}
  if (expected === 'none') {
    t.same([source, prompt, completionTokens, total], [null, null, null, null])
    return
  }
  t.equal(source, expected.source)
  t.equal(prompt, expected.prompt)
  t.equal(total, Number(prompt) + Number(completionTokens))
  if (source !== 'estimated') t.equal(completionTokens, expected.completion)
  else t.ok(Math.abs(Number(completionTokens) - expected.completion) <= 1 + expected.completion / 4, `about ${expected.completion} completion tokens: ${String(completionTokens)}`)
}

/** The request's line says the same as its attempt. */
function logged (t: Test, id: string, attempt: JsonObject | undefined): void {
  const line = gateway.logged('request ended').find(({ reqId }) => reqId === id)
  t.same([line?.['promptTokens'], line?.['completionTokens'], line?.['usageSource']], [attempt?.['prompt_tokens'], attempt?.['completion_tokens'], attempt?.['usage_source']], 'in the log line')
}

const COUNTS: Counts = { prompt: 12, completion: 19 }
const REPORTED: Expected = { source: 'reported', ...COUNTS }

for (const { target, upstream, wire } of TARGETS) {
  const { text, counted, end, streaming } = wire
  const answered: readonly Step[] = [text(HEAD), text(TAIL)]

  t.test(`${target}: answers that are complete`, async t => {
    const complete = async (script: Script, expected: Expected, body?: JsonObject) => {
      upstream.next(script)
      const { id, response } = await ask(target, body)
      await response.text()
      const [attempt] = await attemptsOf(id)
      t.equal(attempt?.['class'], 'success')
      costs(t, attempt, expected)
      logged(t, id, attempt)
    }
    await complete(streaming(...answered, ...end({ counts: COUNTS })), REPORTED)
    await complete(streaming(...answered, ...end({ counts: null })), estimated(ANSWER))
    await complete(status(200, wire.answer(ANSWER, { counts: COUNTS })), REPORTED, { stream: false })
    await complete(status(200, wire.answer(ANSWER, { counts: null })), estimated(ANSWER), { stream: false })
    await complete(streaming(...answered, ...end({ counts: { prompt: 12, completion: 0 } })), estimated(ANSWER, 12))
    await complete(status(200, wire.answer(ANSWER, { counts: { prompt: 0, completion: 0 } })), estimated(ANSWER), { stream: false })
  })

  t.test(`${target}: streams that break`, async t => {
    const broken = async (steps: readonly Step[], expected: Expected) => {
      upstream.next(streaming(...steps, CUT))
      const { id, response } = await ask(target)
      const frames = await framesOf(response)
      t.not(frames.at(-1)?.data, '[DONE]')
      const [attempt] = await attemptsOf(id)
      t.match(attempt, { class: 'failure', reason: 'reset' })
      costs(t, attempt, expected)
      logged(t, id, attempt)
    }
    await broken(answered, estimated(ANSWER))
    await broken([...counted(HEAD, { prompt: 12, completion: 9 }), ...counted(TAIL, COUNTS)], { source: 'partial', ...COUNTS })
    await broken([...counted(HEAD, { prompt: 12, completion: 0 }), text(TAIL)], estimated(ANSWER, 12))
    await broken([...counted(HEAD, { prompt: 12, completion: 9 }), text(TAIL)], { source: 'estimated', prompt: 12, completion: 9 + about(TAIL) })
  })

  t.test(`${target}: streams that stall, before and after their first output`, async t => {
    upstream.next(streaming(FOR_EVER))
    const late = await ask(`impatient-${target}`)
    t.equal(late.response.status, 502)
    costs(t, (await attemptsOf(late.id))[0], { source: 'estimated', prompt: PROMPT_TOKENS, completion: 0 })
    upstream.next(streaming(...answered, FOR_EVER))
    const stalled = await ask(`restless-${target}`)
    await stalled.response.text()
    const [attempt] = await attemptsOf(stalled.id)
    t.equal(attempt?.['reason'], 'stalled')
    costs(t, attempt, estimated(ANSWER))
  })

  t.test(`${target}: the client leaves`, async t => {
    const leaving = async (steps: readonly Step[], expected: Expected) => {
      const client = new AbortController()
      upstream.next(streaming(...steps, FOR_EVER))
      const { id, response } = await ask(target, {}, client.signal)
      const reader = new FrameReader(response)
      const frames: Frame[] = []
      while (contentOf(frames) !== ANSWER) {
        const frame = await reader.next()
        if (frame === undefined) throw new Error('the stream has ended')
        frames.push(frame)
      }
      client.abort()
      const [attempt] = await attemptsOf(id)
      t.equal(attempt?.['reason'], 'client_closed')
      costs(t, attempt, expected)
      logged(t, id, attempt)
    }
    await leaving(answered, estimated(ANSWER))
    await leaving([text(HEAD), ...counted(TAIL, COUNTS)], { source: 'partial', ...COUNTS })

    const client = new AbortController()
    const before = upstream.requests.length
    upstream.next(streaming(FOR_EVER))
    const asking = ask(target, {}, client.signal)
    const id = `r${asked}`
    await upstream.request(before + 1)
    // Its status has left, and has reached the gateway before what is sent after it over another connection.
    upstream.next(status(200, wire.answer(ANSWER, { counts: COUNTS })))
    await (await ask(target, { stream: false })).response.text()
    client.abort()
    await t.rejects(asking)
    const [attempt] = await attemptsOf(id)
    t.equal(attempt?.['reason'], 'client_closed')
    costs(t, attempt, { source: 'estimated', prompt: PROMPT_TOKENS, completion: 0 })
  })

  t.test(`${target}: what was never taken on costs nothing`, async t => {
    for (const script of [status(503), status(429), hangUp, streamingAs(wire.contentType, wire.failure, CUT)]) {
      upstream.next(script)
      const { id, response } = await ask(target)
      t.ok(response.status >= 400)
      costs(t, (await attemptsOf(id))[0], 'none')
    }
    upstream.next(streaming(...answered, wire.failure, CUT))
    const { id, response } = await ask(target)
    await response.text()
    costs(t, (await attemptsOf(id))[0], estimated(ANSWER))
  })

  t.test(`${target}: the client sees the provider's counts if it asked for them, once and last, and never an estimate`, async t => {
    for (const [includeUsage, counts, expected] of [[true, COUNTS, 1], [true, null, 0], [false, COUNTS, 0], [false, null, 0]] as const) {
      upstream.next(streaming(...answered, ...end({ counts })))
      const { response } = await ask(target, includeUsage ? { stream_options: { include_usage: true } } : {})
      const frames = await framesOf(response)
      const chunks = frames.slice(0, -1).map(({ data }) => objectOf(data))
      t.equal(frames.at(-1)?.data, '[DONE]')
      t.equal(chunks.filter(({ usage }) => usage !== undefined && usage !== null).length, expected)
      if (expected === 1) t.match(chunks.at(-1), { choices: [], usage: { prompt_tokens: 12, completion_tokens: 19, total_tokens: 31 } })
    }
    upstream.next(status(200, wire.answer(ANSWER, { counts: null })))
    t.notOk((await json((await ask(target, { stream: false })).response))['usage'])
  })
}

t.test('counts that came just before the break are not lost', async t => {
  openai.upstream.next(streaming(openaiText(ANSWER), usage(COUNTS), CUT))
  const broken = await ask('openai')
  await broken.response.text()
  costs(t, (await attemptsOf(broken.id))[0], { source: 'partial', ...COUNTS })
  // The finish reason makes it complete.
  openai.upstream.next(streaming(openaiText(ANSWER), ...openai.wire.end({ counts: COUNTS }).slice(0, -1), CUT))
  const finished = await ask('openai')
  await finished.response.text()
  costs(t, (await attemptsOf(finished.id))[0], REPORTED)
})

t.test('a connection of Bedrock\'s that breaks between the answer\'s end and its counts', async t => {
  bedrock.upstream.next(bedrock.wire.streaming(bedrock.wire.text(ANSWER), STOP, CUT))
  const { id, response } = await ask('bedrock')
  t.equal((await framesOf(response)).at(-1)?.data, '[DONE]')
  const [attempt] = await attemptsOf(id)
  t.equal(attempt?.['class'], 'success')
  costs(t, attempt, estimated(ANSWER))
})

t.test('reasoning, arguments of calls and refusals are output, too', async t => {
  for (const delta of [{ reasoning_content: ANSWER }, { refusal: ANSWER }, { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: '', arguments: ANSWER } }] }]) {
    openai.upstream.next(streaming(chunk(delta), CUT))
    const { id, response } = await ask('openai')
    await response.text()
    costs(t, (await attemptsOf(id))[0], estimated(ANSWER))
  }
})

t.test('each attempt of a request has its own', async t => {
  openai.upstream.next(openai.wire.streaming(CUT))
  gemini.upstream.next(status(503))
  bedrock.upstream.next(bedrock.wire.streaming(bedrock.wire.text(ANSWER), ...bedrock.wire.end({ counts: COUNTS })))
  const { id, response } = await ask('all')
  t.equal(contentOf(await framesOf(response)), ANSWER)
  const [first, second, third, ...more] = await attemptsOf(id, 3)
  t.same(more, [])
  costs(t, first, { source: 'estimated', prompt: PROMPT_TOKENS, completion: 0 })
  costs(t, second, 'none')
  costs(t, third, REPORTED)
  logged(t, id, third)
})

t.test('the upstream is asked for usage, whatever the client says', async t => {
  for (const options of [{}, { stream_options: null }, { stream_options: {} }, { stream_options: { include_usage: false } }, { stream_options: { include_usage: true, include_obfuscation: false } }]) {
    const before = openai.upstream.requests.length
    await (await ask('openai', options)).response.text()
    t.match(openai.upstream.requests[before]?.body, { stream_options: { include_usage: true } }, JSON.stringify(options))
  }
  t.same(openai.upstream.requests.at(-1)?.body['stream_options'], { include_usage: true, include_obfuscation: false }, 'beside what else it says')
})
