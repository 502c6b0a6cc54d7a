/**
 * Replicas as users run them, each a process of its own, of a model whose streams any of them may carry on.
 *
 *     const { replicas: [a, b] } = await fleet(t, 2)
 *     const frames = await wholeFrom(a, [b], () => { void a.kill() })
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { PATHS, bodyOf, readIn } from '../faults/dialects.ts'
import type { Dialect } from '../faults/dialects.ts'
import { startGateway } from './gateway-process.ts'
import type { GatewayProcess, Variables } from './gateway-process.ts'
import { testDatabase } from './postgres.ts'
import { cutAfter, joinAfter } from './resumable.ts'
import { scriptedUpstream } from './scripted-upstream.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'
import { heardIn, storyOf, telling } from './storyteller.ts'

/** What the target tells, with so many ms between two words. */
export const STORY = storyOf(150)
export const PAUSE_MS = 20

/** Replicas in front of one target, which goes on from a text that it is given. */
export async function fleet (t: Test, size: number, env: Variables = {}): Promise<{ replicas: GatewayProcess[], databaseUrl: string, upstream: ScriptedUpstream, asked: () => number }> {
  const upstream = await scriptedUpstream(t)
  upstream.otherwise = telling(STORY, PAUSE_MS)
  const file = join(t.testdir({}), 'gateway.json')
  await writeFile(file, JSON.stringify({
    targets: [{ name: 'a', provider: 'openai', options: { baseURL: upstream.baseURL, model: 'm', apiKey: 'k', continuation: 'prefix' } }],
    models: { told: { targets: ['a'], midstreamFailover: 'continue', resumable: true } },
    default: 'told'
  }))
  const databaseUrl = await testDatabase(t)
  const all = { DATABASE_URL: databaseUrl, GATEWAY_CONFIG: file, STREAM_LOG_KEY: randomBytes(32).toString('hex'), ...env }
  return { replicas: await Promise.all(Array.from({ length: size }, async () => await startGateway(t, all))), databaseUrl, upstream, asked: () => upstream.requests.length }
}

/** Asks one replica, and goes on at the others, in turn, until the answer is complete. What has begun is stored. */
export async function wholeFrom (first: GatewayProcess, others: readonly GatewayProcess[], onBegun: () => void, { headers = {}, dialect = 'chat' }: { readonly headers?: Record<string, string>, readonly dialect?: Dialect } = {}): Promise<string> {
  const body = { model: 'auto', ...bodyOf(dialect, 'Tell it'), stream: true }
  const isOver = (frames: string) => dialect === 'chat' ? heardIn(frames).complete : readIn(dialect, frames).ending !== ''
  let { id, text: frames, lastId } = await cutAfter(`${first.url}${PATHS[dialect]}`, Infinity, { onBegun, headers, body })
  for (let join = 0; !isOver(frames) && join < 10; join++) {
    const next = await joinAfter(others[join % others.length]?.url ?? '', id, lastId)
    frames += next.text
    lastId = Math.max(lastId, next.lastId)
  }
  return frames
}
