/**
 * The first target is dead for as long as fifteen requests come, one after the other: all of them succeed, few of them are
 * sent to it, and it is used again once it is well.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { configFile, targetAt } from '../support/build-gateway.ts'
import { chat, contentOf, framesOf, json } from '../support/chat-client.ts'
import { NO_FAULT, faultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { answering, scriptedUpstream, status } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'

const REQUESTS = 15
/** How many of them may reach the dead target. */
const REACH_IT = 8
/** Long enough for a target that is well, on a busy machine. */
const FIRST_TOKEN_TIMEOUT_MS = 2500
/** How long the outage goes on after that, in ms, with a request every so often, so that the breaker is open for its longest. */
const GOES_ON_MS = share(0, 60_000)
const EVERY_MS = 250
const BACK_WITHIN_MS = 20_000

interface Death {
  /** Whether whole answers are asked for, too: they have no limit but the request's own. */
  readonly whole: boolean
  begin (proxy: FaultProxy, upstream: ScriptedUpstream): Promise<void>
  end (proxy: FaultProxy, upstream: ScriptedUpstream): Promise<void>
}

const DEATHS: Readonly<Record<string, Death>> = {
  refused: { whole: true, begin: async proxy => await proxy.stopListening(), end: async proxy => await proxy.listen() },
  reset: {
    whole: true,
    begin: async proxy => { proxy.refusing = true; proxy.faultOf = () => ({ kind: 'reset', after: 0 }) },
    end: async proxy => { proxy.refusing = false; proxy.faultOf = () => NO_FAULT }
  },
  unavailable: {
    whole: true,
    begin: async (_, upstream) => { upstream.otherwise = status(503) },
    end: async (_, upstream) => { upstream.otherwise = answering('from the first') }
  },
  silent: {
    whole: false,
    begin: async proxy => { proxy.faultOf = () => ({ kind: 'blackhole', after: 0 }) },
    end: async proxy => { proxy.faultOf = () => NO_FAULT }
  }
}

const pairs = await Promise.all(Object.entries(DEATHS).map(async ([name, death]) => {
  const [first, second] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  first.otherwise = answering('from the first')
  second.otherwise = answering('from the second')
  return { name, death, first, second, proxy: await faultProxy(t, first.origin) }
}))
const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  FIRST_TOKEN_TIMEOUT_MS: String(FIRST_TOKEN_TIMEOUT_MS),
  GATEWAY_CONFIG: await configFile(t, {
    targets: pairs.flatMap(({ name, proxy, second }) => [
      { name: `${name}-1`, provider: 'openai' as const, options: { baseURL: `${proxy.origin}/v1`, apiKey: 'key', model: 'm' } },
      targetAt(second, `${name}-2`)
    ]),
    models: Object.fromEntries(pairs.map(({ name }) => [name, { targets: [`${name}-1`, `${name}-2`] }])),
    default: 'refused'
  })
})

/** Who answered, and whether the answer was whole. */
async function ask (model: string, stream: boolean): Promise<{ target: string | null, whole: boolean }> {
  const response = await chat(gateway.url, { model, stream, messages: [{ role: 'user', content: 'Hello' }] })
  const target = response.headers.get('x-gateway-target')
  const said = target === `${model}-1` ? 'from the first' : 'from the second'
  if (!stream) return { target, whole: response.status === 200 && JSON.stringify(await json(response)).includes(said) }
  if (response.status !== 200) return { target, whole: false }
  const frames = await framesOf(response)
  return { target, whole: frames.at(-1)?.data === '[DONE]' && contentOf(frames) === said }
}

// At the same time: each has its own targets, and those of the silent one are waited for.
t.jobs = pairs.length
await Promise.all(pairs.map(async ({ name, death, first, proxy }) => {
  await t.test(`${name}: ${REQUESTS} requests in a row`, { timeout: 600_000 }, async t => {
    t.same(await ask(name, true), { target: `${name}-1`, whole: true }, 'well at first')
    await death.begin(proxy, first)
    for (let n = 0; n < REQUESTS; n++) t.same(await ask(name, !death.whole || n % 2 === 0), { target: `${name}-2`, whole: true })
    const reached = () => gateway.linesOf('attempt failed').filter(({ target }) => target === `${name}-1`).length
    await until('the log has the attempts', () => reached() >= 3)
    t.ok(reached() <= REACH_IT, `${reached()} of ${REQUESTS} reached the dead target`)
    t.comment(`${name}: ${reached()} of ${REQUESTS} reached the dead target`)

    const goesOnUntil = performance.now() + GOES_ON_MS
    while (performance.now() < goesOnUntil) {
      t.equal((await ask(name, true)).whole, true)
      await delay(EVERY_MS)
    }
    await death.end(proxy, first)
    const wellAt = performance.now()
    await until('it is used again', async () => {
      await delay(EVERY_MS)
      return (await ask(name, true)).target === `${name}-1`
    })
    const backMs = performance.now() - wellAt
    t.comment(`${name}: used again after ${Math.round(backMs)} ms`)
    // Of the short form no time is asserted: of the long one it is the subject.
    if (GOES_ON_MS > 0) t.ok(backMs <= BACK_WITHIN_MS, `${Math.round(backMs)} ms`)
    t.same(await ask(name, true), { target: `${name}-1`, whole: true })
  })
}))
