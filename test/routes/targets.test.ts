import t from 'tap'
import { ADMIN_KEY, buildGateway, digestOf, fileOf, UPSTREAM_KEY } from '../support/build-gateway.ts'
import { bearer, chat, errorOf, HELLO, json } from '../support/chat-client.ts'
import { scriptedUpstream, status } from '../support/scripted-upstream.ts'

const ADMIN = { ...bearer(ADMIN_KEY), 'content-type': 'application/json' }

async function act (url: string, name: string, body: unknown): Promise<Response> {
  return await fetch(`${url}/v1/targets/${name}/breaker`, { method: 'POST', headers: ADMIN, body: JSON.stringify(body) })
}

t.test('targets', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams), keys: true })
  const list = async () => await json(await fetch(`${url}/v1/targets`, { headers: ADMIN }))
  const ask = async () => await chat(url, HELLO, { headers: ADMIN })

  await t.test('each with its provider, model and a breaker at rest', async t => {
    const resting = {
      state: 'closed', epoch: 0, cause: null, status: null, open_for_ms: null, cooldown_for_ms: null, attempts: 0, failures: 0, consecutive_failures: 0, open_count: 0, manual: null
    }
    t.same(await list(), {
      object: 'list',
      data: ['a', 'b'].map(name => ({ name, provider: 'openai', model: `${name}-model`, breaker: resting }))
    })
  })

  await t.test('after three failures the breaker is open and shows its cause; after a 429 there is a cooldown', async t => {
    upstreams.a.next(status(503), status(503), status(503))
    upstreams.b.next(status(429, {}, { 'retry-after': '60' }))
    for (let n = 0; n < 2; n++) await (await ask()).text()
    t.match(await list(), { data: [{ breaker: { state: 'closed', attempts: 2, failures: 2, consecutive_failures: 2, open_count: 0 } }, { breaker: { state: 'closed', failures: 0 } }] })
    await (await ask()).text()
    const listed = await list()
    t.match(listed, {
      data: [
        { name: 'a', breaker: { state: 'open', epoch: 1, cause: 'upstream_error', status: 503, open_for_ms: Number, cooldown_for_ms: null, open_count: 1 } },
        { name: 'b', breaker: { state: 'closed', cause: 'rate_limited', status: 429, open_for_ms: null, cooldown_for_ms: Number } }
      ]
    })
    t.notMatch(JSON.stringify(listed), new RegExp(`${UPSTREAM_KEY}|127\\.0\\.0\\.1`))
  })

  await t.test('each action changes the breaker at once and says by whom', async t => {
    const by = digestOf(ADMIN_KEY).slice(0, 8)
    const states = { force_open: 'forced_open', force_closed: 'forced_closed', shadow: 'shadow' }
    for (const [action, state] of Object.entries(states)) {
      const response = await act(url, 'a', { action, reason: `to test ${action}` })
      t.equal(response.status, 200)
      t.match(await json(response), { name: 'a', breaker: { state, manual: { by, reason: `to test ${action}` } } })
      const served = await ask()
      t.equal(served.headers.get('x-gateway-target'), action === 'force_open' ? null : 'a', action)
      await served.text()
    }
    t.match(await json(await act(url, 'a', { action: 'reset', reason: 'done' })), { breaker: { state: 'closed', cause: null, manual: null, failures: 0 } })
    t.match(await json(await act(url, 'b', { action: 'reset', reason: 'done' })), { breaker: { state: 'closed', cooldown_for_ms: null } })
  })

  await t.test('an invalid action is 400 by its field and changes nothing', async t => {
    const before = await list()
    const wrong: ReadonlyArray<readonly [string | null, unknown]> = [
      ['action', { reason: 'x' }],
      ['action', { action: 'open', reason: 'x' }],
      ['action', { action: 5, reason: 'x' }],
      ['reason', { action: 'reset' }],
      ['reason', { action: 'reset', reason: '' }],
      ['reason', { action: 'reset', reason: 'x'.repeat(501) }],
      ['by', { action: 'reset', reason: 'x', by: 'me' }],
      [null, []]
    ]
    for (const [param, body] of wrong) {
      const response = await act(url, 'a', body)
      t.equal(response.status, 400, JSON.stringify(body))
      t.equal(errorOf(await json(response))['param'], param)
    }
    t.same(await list(), before)
  })

  await t.test('a target that there is not is 404', async t => {
    for (const name of ['c', '__proto__', 'a%2Fb']) {
      const response = await act(url, name, { action: 'reset', reason: 'x' })
      t.equal(response.status, 404)
      t.match(errorOf(await json(response)), { type: 'invalid_request_error', code: 'target_not_found', param: 'name' })
    }
  })
})
