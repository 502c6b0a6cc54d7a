/**
 * A model that always tells the same story, word by word, and that goes on from the middle when it is given the beginning.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { dataOf } from '../../stream-log/frame-text.ts'
import { DONE, finish, role, text } from './scripted-upstream.ts'
import type { Script } from './scripted-upstream.ts'

/** A story of so many words, some of them with characters of several bytes. */
export function storyOf (words: number): string {
  return Array.from({ length: words }, (_, n) => n % 7 === 0 ? `wörd👍${n}` : `word${n}`).join(' ')
}

/**
 * Tells it, with so many ms between two words. What it goes on with from the middle it cuts in another way: so who has a frame
 * that the one that goes on does not know of has a wrong text in the end.
 */
export function telling (story: string, pauseMs: number): Script {
  return async (response, { body }) => {
    const given = beginningIn(body)
    if (!story.startsWith(given)) {
      response.writeHead(500).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (step: JsonObject) => response.write(`data: ${JSON.stringify(step)}\n\n`)
    send(role())
    const rest = story.slice(given.length)
    const pieces = given === '' ? rest.split(/(?= )/) : rest.match(/.{1,9}/gsu) ?? []
    for (const piece of pieces) {
      if (response.destroyed) return
      send(text(piece))
      await delay(pauseMs)
    }
    send(finish('stop'))
    response.end(DONE)
  }
}

/** What the assistant is to go on from, at the end of a request. */
function beginningIn ({ messages }: JsonObject): string {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined
  return isJsonObject(last) && last['role'] === 'assistant' ? String(last['content']) : ''
}

/** What a client has made of the frames that it got over several connections; errors that are none of the stream's aside. */
export interface Heard {
  readonly text: string
  /** Numbered from 1 without a gap, each once. */
  readonly inOrder: boolean
  readonly complete: boolean
  /** Codes of the errors, in order. */
  readonly errors: readonly string[]
}

/** Reads frames as a client does. */
export function heardIn (frames: string): Heard {
  const ids = [...frames.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  const heard = dataOf(frames)
  const parsed = heard.filter(data => data !== '[DONE]').map((data): unknown => JSON.parse(data))
  let said = ''
  const errors: string[] = []
  for (const each of parsed) {
    if (!isJsonObject(each)) continue
    if (isJsonObject(each['error'])) errors.push(String(each['error']['code']))
    const choice: unknown = Array.isArray(each['choices']) ? each['choices'][0] : undefined
    const delta = isJsonObject(choice) ? choice['delta'] : undefined
    if (isJsonObject(delta) && typeof delta['content'] === 'string') said += delta['content']
  }
  return { text: said, inOrder: ids.every((id, n) => id === n + 1), complete: heard.at(-1) === '[DONE]', errors }
}
