/**
 * The servers of `npm run demo`, through the gateway, in the ways that it prints to be tried.
 */
import t from 'tap'
import { startProviders } from '../../demo/providers.ts'
import { chat, contentOf, framesOf } from '../support/chat-client.ts'
import { startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'

const providers = await startProviders()
t.teardown(async () => await providers.stop())
const { url } = await startGateway(t, {
  ...providers.env, DATABASE_URL: await testDatabase(t), AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST', AWS_SECRET_ACCESS_KEY: 'test', FIRST_TOKEN_TIMEOUT_MS: '60000'
})
const messages = [{ role: 'user', content: 'Hello!' }]
const names = providers.list.map(({ target }) => target)

t.test('each of the five streams its own answer', async t => {
  const answers: string[] = []
  for (const model of names) {
    const response = await chat(url, { model, messages, stream: true })
    t.equal(response.headers.get('x-gateway-target'), model)
    answers.push(contentOf(await framesOf(response)))
  }
  t.equal(new Set(answers).size, 5)
  t.ok(answers.every(answer => /^Hello from the mock of .* produced\.$/.test(answer)))
})

t.test('one that is broken is passed over, and used again when it is mended', async t => {
  const [first, second] = providers.list
  if (first === undefined || second === undefined) throw new Error('there are five')
  const answering = async () => {
    const response = await chat(url, { messages, stream: true })
    await response.text()
    return response.headers.get('x-gateway-target')
  }
  const chaos = async (body: object) => await (await fetch(first.breakUrl, { method: 'POST', body: JSON.stringify(body) })).text()
  t.equal(await answering(), first.target)
  await chaos({ dropRate: 1 })
  t.equal(await answering(), second.target)
  await chaos({})
  t.equal(await answering(), first.target)
})
