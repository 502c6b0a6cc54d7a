/**
 * What callers notice of a provider that fails: nothing, as long as there is another one.
 */
import OpenAI from 'openai'
import t from 'tap'
import type { JsonObject } from '../../schemas/json-object.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { configFile, targetAt } from '../support/build-gateway.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { CUT, answering, hangUp, role, scriptedUpstream, status, streaming } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'

/** Long enough for a healthy upstream on a busy machine. */
const FIRST_TOKEN_TIMEOUT_MS = 1500

interface Pair {
  readonly model: string
  readonly first: ScriptedUpstream
  readonly second: ScriptedUpstream
}

/** Each test has its own two targets, `<model>-1` and `<model>-2`, as each has breakers to disturb. */
async function pairOf (model: string): Promise<Pair> {
  const [first, second] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  first.otherwise = answering('from the first')
  second.otherwise = answering('from the second')
  return { model, first, second }
}

const [dead, gone, early, limited, failing, exhausted, slow] = [
  await pairOf('dead'), await pairOf('gone'), await pairOf('early'), await pairOf('limited'), await pairOf('failing'), await pairOf('exhausted'), await pairOf('slow')
]
const pairs = [dead, gone, early, limited, failing, exhausted, slow]
const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  FIRST_TOKEN_TIMEOUT_MS: String(FIRST_TOKEN_TIMEOUT_MS),
  GATEWAY_CONFIG: await configFile(t, {
    targets: pairs.flatMap(({ model, first, second }) => [targetAt(first, `${model}-1`), targetAt(second, `${model}-2`)]),
    models: Object.fromEntries(pairs.map(({ model }) => [model, { targets: [`${model}-1`, `${model}-2`] }]))
  })
})
const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any', maxRetries: 0 })
const messages = [{ role: 'user' as const, content: 'Hello' }]

interface Answered {
  readonly content: string
  readonly target: string | null
  readonly attempts: string | null
}

async function ask (model: string, stream: boolean): Promise<Answered> {
  if (!stream) {
    const { data, response } = await client.chat.completions.create({ model, messages }).withResponse()
    return { content: data.choices[0]?.message.content ?? '', ...by(response) }
  }
  const { data, response } = await client.chat.completions.create({ model, messages, stream }).withResponse()
  let content = ''
  for await (const chunk of data) content += chunk.choices[0]?.delta.content ?? ''
  return { content, ...by(response) }
}

function by ({ headers }: Response): Omit<Answered, 'content'> {
  return { target: headers.get('x-gateway-target'), attempts: headers.get('x-gateway-attempts') }
}

async function breakerOf (target: string): Promise<JsonObject> {
  const list: unknown = await (await fetch(`${gateway.url}/v1/targets`)).json()
  const targets: unknown[] = isJsonObject(list) && Array.isArray(list['data']) ? list['data'] : []
  for (const each of targets) if (isJsonObject(each) && each['name'] === target && isJsonObject(each['breaker'])) return each['breaker']
  throw new Error(`no target ${target}`)
}

/** Status, headers and error of a request that fails. */
async function refused (model: string, stream: boolean): Promise<{ status: number, retryAfter: string | null, body: unknown }> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, messages, stream })
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }
}

t.test('with the first provider answering 500, 20 requests in a row succeed, and it sees few of them', async t => {
  dead.first.otherwise = status(500)
  for (let i = 0; i < 20; i++) {
    const { content, target, attempts } = await ask('dead', i % 2 === 1)
    t.equal(content, 'from the second')
    t.equal(target, 'dead-2')
    t.match(attempts, /^[12]$/)
  }
  const seen = dead.first.requests.length
  t.comment(`the dead provider saw ${seen} of 20 requests`)
  t.ok(seen >= 1 && seen <= 8, `${seen} of 20`)
  t.equal(dead.second.requests.length, 20)
  const breaker = await breakerOf('dead-1')
  t.match(breaker, { cause: 'upstream_error', status: 500 }, 'GET /v1/targets says why')
  // A machine that takes longer than 2 s for the 20 requests may catch it with its probe under way.
  t.match(breaker['state'], /^(?:open|half_open)$/)
  t.match(await breakerOf('dead-2'), { state: 'closed', cause: null })
})

t.test('and once it is well again it is used again', async t => {
  dead.first.otherwise = answering('from the first')
  await until('the first provider answers again', async () => (await ask('dead', true)).target === 'dead-1')
  t.match(await breakerOf('dead-1'), { state: 'closed', cause: null, open_count: 0 })
  t.match(await ask('dead', false), { content: 'from the first', target: 'dead-1', attempts: '1' })
})

t.test('a provider that nobody listens for is passed over', async t => {
  await gone.first.close()
  for (const stream of [false, true, false, true]) t.match(await ask('gone', stream), { content: 'from the second', target: 'gone-2' })
  t.match(await breakerOf('gone-1'), { cause: 'connect', status: null })
})

t.test('an error after the role, before any output, is invisible', async t => {
  const error = { error: { message: 'overloaded', type: 'server_error' } }
  for (const script of [streaming(role(), error), streaming(role(), CUT)]) {
    early.first.next(script)
    t.same(await ask('early', true), { content: 'from the second', target: 'early-2', attempts: '2' })
  }
  t.equal((await ask('early', true)).target, 'early-1')
  early.first.next(hangUp)
  t.equal((await ask('early', false)).target, 'early-2', 'whole answers likewise')
})

t.test('a rate limit moves on, and rests the target without opening its breaker', async t => {
  limited.first.next(status(429, undefined, { 'retry-after': '60' }))
  t.match(await ask('limited', true), { target: 'limited-2', attempts: '2' })
  const { state, cooldown_for_ms: cooldown, cause } = await breakerOf('limited-1')
  t.match({ state, cause }, { state: 'closed', cause: 'rate_limited' })
  t.ok(typeof cooldown === 'number' && cooldown > 30_000 && cooldown <= 60_000)
  t.match(await ask('limited', false), { target: 'limited-2', attempts: '1' })
  t.equal(limited.first.requests.length, 1, 'it is left alone')
})

t.test('when every target fails: 502, and which ones', async t => {
  failing.first.next(status(503), status(500))
  failing.second.next(status(500), hangUp)
  for (const stream of [false, true]) {
    const { status, body } = await refused('failing', stream)
    t.equal(status, 502)
    t.same(body, {
      error: {
        message: 'Every target failed.',
        type: 'server_error',
        code: 'all_targets_failed',
        param: null,
        attempts: [{ target: 'failing-1', class: 'failure' }, { target: 'failing-2', class: 'failure' }]
      }
    })
  }
})

t.test('when every target is rate limited: 429, and the soonest return', async t => {
  exhausted.first.next(status(429, undefined, { 'retry-after': '300' }))
  exhausted.second.next(status(429, undefined, { 'retry-after': '100' }))
  for (const stream of [false, true]) {
    const { status, retryAfter, body } = await refused('exhausted', stream)
    t.equal(status, 429)
    t.ok(Number(retryAfter) > 50 && Number(retryAfter) <= 100, `in ${retryAfter} s`)
    t.match(body, { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } })
  }
  t.equal(exhausted.first.requests.length + exhausted.second.requests.length, 2, 'nobody is asked again meanwhile')
})

t.test('a provider that does not begin in time is passed over, and let go', async t => {
  const never = new Promise<never>(() => {})
  for (const script of [async () => await never, streaming(role(), never)]) {
    slow.first.next(script)
    const startedAt = performance.now()
    t.same(await ask('slow', true), { content: 'from the second', target: 'slow-2', attempts: '2' })
    t.ok(performance.now() - startedAt >= FIRST_TOKEN_TIMEOUT_MS - 50, 'not before its time')
    t.equal(await (await slow.first.request(slow.first.requests.length)).closed, 'aborted')
  }
  t.match(await breakerOf('slow-1'), { state: 'closed', consecutive_failures: 2 })
})

t.test('a broken request is not tried elsewhere', async t => {
  const before = early.second.requests.length
  early.first.next(status(400, { error: { message: 'no', type: 'invalid_request_error', code: null, param: null } }))
  const { status: code } = await refused('early', true)
  t.equal(code, 400)
  t.equal(early.second.requests.length, before)
})
