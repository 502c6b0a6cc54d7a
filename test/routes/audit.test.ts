import t from 'tap'
import { ADMIN_KEY, buildGateway, fileOf, UPSTREAM_KEY } from '../support/build-gateway.ts'
import { bearer, chat, errorOf, framesOf, json } from '../support/chat-client.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { answering, CUT, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

const ADMIN = bearer(ADMIN_KEY)
const PROMPT = 'prompt-that-is-nobodys-business'
const ANSWER = 'answer-that-is-nobodys-business'
const BODY = { messages: [{ role: 'user', content: PROMPT }], user: PROMPT, metadata: { note: PROMPT } }

t.test('the audit log', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url, server } = await buildGateway(t, { file: fileOf(upstreams), keys: true })
  upstreams.b.otherwise = answering(ANSWER)
  const ask = async (id: string, body: JsonObject = {}) => await chat(url, { ...BODY, ...body }, { headers: { ...ADMIN, 'x-request-id': id } })
  const page = async (query: string) => await json(await fetch(`${url}/v1/audit?${query}`, { headers: ADMIN }))
  const entries = (page: JsonObject): JsonObject[] => Array.isArray(page['data']) ? page['data'].filter(isJsonObject) : []

  // On a slow machine a write is tried again.
  const written = async (query: string, count: number) => { while (entries(await page(query)).length < count); }

  // Five requests: failed over, streamed, broken in the middle, refused as invalid, and 401 (which opens the breaker of a).
  upstreams.a.next(status(503, { error: { message: `${PROMPT} ${UPSTREAM_KEY}` } }), answering(ANSWER), streaming(role(), text(ANSWER), CUT), status(400, { error: { message: PROMPT } }), status(401))
  await (await ask('failed-over')).text()
  await framesOf(await ask('streamed', { stream: true }))
  await framesOf(await ask('broken', { stream: true }))
  await (await ask('invalid')).text()
  await (await ask('locked-out')).text()
  await written('', 8)

  await t.test('a failed-over request has an attempt for each target', async t => {
    const listed = await page('request_id=failed-over')
    t.match(listed, { object: 'list', next_cursor: null })
    const attempts = entries(listed).sort((a, b) => Number(a['attempt']) - Number(b['attempt']))
    t.match(attempts, [
      { kind: 'attempt', request_id: 'failed-over', target: 'a', provider: 'openai', model: 'a-model', stream: false, attempt: 1, class: 'failure', reason: 'upstream_error', status: 503, prompt_tokens: null, usage_source: null, finish_reason: null },
      { kind: 'attempt', request_id: 'failed-over', target: 'b', model: 'b-model', attempt: 2, class: 'success', reason: null, finish_reason: 'stop', prompt_tokens: 3, completion_tokens: 5, total_tokens: 8, usage_source: 'reported' }
    ])
    t.equal(attempts.length, 2)
  })

  await t.test('newest first', async t => {
    const times = entries(await page('')).map(({ at }) => String(at))
    for (const at of times) t.match(at, /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/)
    t.same(times, [...times].sort().reverse())
  })

  await t.test('streams say how they ended', async t => {
    t.match(await page('request_id=streamed'), { data: [{ stream: true, class: 'success', chunks: 3, finish_reason: 'stop', completion_tokens: 5, first_output_ms: Number }] })
    t.match(await page('request_id=broken'), { data: [{ stream: true, class: 'failure', reason: 'reset', chunks: 2, finish_reason: null }] })
    t.match(await page('request_id=invalid'), { data: [{ class: 'neutral', reason: 'invalid_request', status: 400 }] })
  })

  await t.test('filters', async t => {
    const only = async (query: string, is: (entry: JsonObject) => boolean, count: number) => {
      const listed = entries(await page(query))
      t.equal(listed.length, count, query)
      t.ok(listed.every(is), query)
    }
    await only('', () => true, 8)
    await only('kind=transition', ({ kind, target, from, to, cause, status }) => kind === 'transition' && target === 'a' && from === 'closed' && to === 'open' && cause === 'unauthorized' && status === 401, 1)
    await only('kind=attempt', ({ kind }) => kind === 'attempt', 7)
    await only('target=b', ({ target }) => target === 'b', 2)
    await only('target=a&kind=attempt&class=success', entry => entry['class'] === 'success', 1)
    await only('class=misconfigured', entry => entry['reason'] === 'unauthorized', 1)
    await only('kind=transition&class=failure', () => false, 0)
    await only('request_id=nobody', () => false, 0)
    await only(`until=${new Date(0).toISOString()}`, () => false, 0)
    await only(`since=${new Date(0).toISOString()}`, () => true, 8)
    await only('since=2999-01-01', () => false, 0)
  })

  await t.test('pages join without gaps or repeats, also when a row arrives in between', async t => {
    const all = entries(await page(''))
    for (const limit of [1, 5, all.length - 1, all.length, all.length + 1, 3]) {
      const joined: JsonObject[] = []
      let cursor: unknown = null
      let pages = 0
      do {
        const listed = await page(`limit=${limit}${typeof cursor === 'string' ? `&cursor=${cursor}` : ''}`)
        joined.push(...entries(listed))
        cursor = listed['next_cursor']
        if (++pages === 1 && limit === 3) await server.breakers.override('b', 'shadow', { by: 'test', reason: 'between pages' })
      } while (typeof cursor === 'string')
      t.same(joined, all, `${limit} on a page`)
      t.equal(pages, Math.ceil(all.length / limit))
    }
    await written('kind=transition', 2)
    t.match(entries(await page('limit=1')), [{ to: 'shadow' }], 'the new row is on the first page')
  })

  await t.test('a query that is wrong is 400 by its field', async t => {
    const wrong: ReadonlyArray<readonly [string | null, string]> = [
      ['cursor', 'cursor=x'],
      ['cursor', `cursor=${Buffer.from('["2024-01-01","attempt","x"]').toString('base64url')}`],
      ['limit', 'limit=0'],
      ['limit', 'limit=1001'],
      ['limit', 'limit=many'],
      ['kind', 'kind=everything'],
      ['class', 'class=bad'],
      ['since', 'since=yesterday'],
      ['until', 'until=2024-13-01'],
      ['page', 'page=2']
    ]
    for (const [param, query] of wrong) {
      const response = await fetch(`${url}/v1/audit?${query}`, { headers: ADMIN })
      t.equal(response.status, 400, query)
      t.equal(errorOf(await json(response))['param'], param, query)
    }
  })

  await t.test('never prompt, answer or key, in any entry', async t => {
    const everything = JSON.stringify(await page('limit=1000'))
    t.notMatch(everything, /nobodys-business|upstream-key|admin-key/)
  })
})
