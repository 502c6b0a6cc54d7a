import { createHash } from 'node:crypto'
import { buildServer } from '../build-server.ts'
import { startProviders } from './providers.ts'

/**
 * The gateway with nothing real behind it: `npm run demo` starts it with PGlite in memory, in front of mocks of the
 * providers' servers, and prints what to try. PORT chooses another port than 3000.
 */

const ADMIN_KEY = 'demo-admin-key'
const providers = await startProviders()

// AWS's default chain reads the process's environment; the mock takes any credentials.
process.env['AWS_ACCESS_KEY_ID'] = 'AKIADEMODEMODEMODEMO'
process.env['AWS_SECRET_ACCESS_KEY'] = 'demo'

const server = await buildServer({
  env: {
    HOST: '127.0.0.1',
    PORT: process.env['PORT'],
    DATA_DIR: 'memory://',
    ADMIN_API_KEYS: createHash('sha256').update(ADMIN_KEY).digest('hex'),
    ...providers.env
  },
  logger: { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname,time', singleLine: true } } }
})

try {
  await server.listen({ host: server.config.host, port: server.config.port })
} catch (error) {
  console.error(error instanceof Error ? error.message : error, '\nSet PORT to a free one: PORT=3100 npm run demo')
  process.exit(1)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.all([server.close(), providers.stop()]).then(() => process.exit(0))
  })
}

const base = `http://127.0.0.1:${server.config.port}`
const ask = (body: object) => `${base}/v1/chat/completions -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
const messages = [{ role: 'user', content: 'Hello!' }]
const [first, second] = providers.list
if (first === undefined || second === undefined) throw new Error('the demo has no providers')

console.log(`
The gateway listens at ${base}, with ${providers.list.length} targets: ${providers.list.map(({ target }) => target).join(', ')}.
Paste into another terminal:

  stream an answer
    curl -N ${ask({ messages, stream: true })}

  break the first provider (${first.target}), and see the stream come from the next one (${second.target})
    curl -s ${first.breakUrl} -d '{"dropRate": 1}'; curl -Ni ${ask({ messages, stream: true })}

  an answer in one piece, from a target of your choice
    curl -s ${ask({ model: providers.list.at(-1)?.target, messages })}

  after a few more requests its breaker opens: the state of all targets, and what happened
    curl -s ${base}/v1/targets
    curl -s '${base}/v1/audit?limit=5' -H 'authorization: Bearer ${ADMIN_KEY}'

  mend the first provider; seconds later a probe finds out and it is used again
    curl -s ${first.breakUrl} -d '{}'

Ctrl-C ends it.
`)
