/**
 * Streams of the Responses API as a client reads them, and the rules that their events keep.
 */
import { accumulateResponse } from 'openai/lib/responses/ResponseAccumulator'
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/** Frames as events; anything that is not `event`, `id`, `data` and a blank line is an error, and so is a gap in the numbers. */
export function eventsOf (text: string): ResponseStreamEvent[] {
  if (text !== '' && !text.endsWith('\n\n')) throw new Error(`the stream ended inside a frame: ${text}`)
  return text.split('\n\n').slice(0, -1).filter(block => !block.startsWith(':')).map((block, index) => {
    const match = /^event: ([^\n]+)\nid: (\d+)\ndata: ([^\n]*)$/.exec(block)
    const [, type, id, data = ''] = match ?? []
    const event: unknown = JSON.parse(data)
    if (!isStreamEvent(event)) throw new Error(`no event: ${block}`)
    if (Number(id) !== index + 1 || event.sequence_number !== index || event.type !== type) throw new Error(`frame ${index + 1} says otherwise: ${block}`)
    return event
  })
}

function isStreamEvent (value: unknown): value is ResponseStreamEvent {
  return isJsonObject(value) && typeof value['type'] === 'string'
}

/** What OpenAI's own client makes of the events before the last, and the answer that the last one holds. */
export function accumulated (events: readonly ResponseStreamEvent[]): { readonly before: Response | undefined, readonly last: Response } {
  let before: Response | undefined
  for (const event of events.slice(0, -1)) before = accumulateResponse(event, before)
  const last = events.at(-1)
  if (last === undefined || !('response' in last)) throw new Error('the stream has no end')
  return { before, last: last.response }
}

/** What an event is about, and whether it begins or ends that. */
const PAIRS: ReadonlyMap<string, readonly [kind: string, end: 'added' | 'done']> = new Map([
  ['response.output_item.added', ['item', 'added']],
  ['response.output_item.done', ['item', 'done']],
  ['response.content_part.added', ['part', 'added']],
  ['response.content_part.done', ['part', 'done']],
  ['response.reasoning_summary_part.added', ['summary', 'added']],
  ['response.reasoning_summary_part.done', ['summary', 'done']]
])

/**
 * Checks what the reference says of order: everything is added before anything is said of it, done once, and silent
 * after that; items are numbered as they come, and what is in an item is done before the item.
 * @throws an event breaks the rules
 */
export function checkOrder (events: readonly ResponseStreamEvent[]): void {
  const open = new Set<string>()
  const done = new Set<string>()
  let items = 0
  const fail = (why: string, event: object): never => { throw new Error(`${why}: ${JSON.stringify(event)}`) }
  for (const event of events) {
    const fields: JsonObject = { ...event }
    const { output_index: item, content_index: part, summary_index: summary } = fields
    if (item === undefined) continue
    const pair = PAIRS.get(event.type)
    const name = nameOf(item, part, summary)
    if (pair?.[1] === 'added') {
      if (pair[0] === 'item' ? item !== items++ : !open.has(nameOf(item))) fail('out of turn', event)
      if (open.has(name) || done.has(name)) fail('added twice', event)
      open.add(name)
    } else if (pair?.[1] === 'done') {
      if (!open.delete(name)) fail('done without being open', event)
      if (pair[0] === 'item' && [...open].some(inner => inner.startsWith(`${name}.`))) fail('done with parts open', event)
      done.add(name)
    } else if (!open.has(name)) fail('said of something that is not open', event)
  }
  if (open.size > 0) throw new Error(`never done: ${[...open].join()}`)
}

function nameOf (item: unknown, part?: unknown, summary?: unknown): string {
  return [String(item), ...part === undefined ? [] : [`content ${String(part)}`], ...summary === undefined ? [] : [`summary ${String(summary)}`]].join('.')
}
