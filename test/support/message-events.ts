/**
 * Reads a stream of the Messages API as a strict client would: everything that the format does not allow is an error.
 */
import type { JsonObject } from '../../schemas/json-object.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { objectOf } from './chat-client.ts'

/** The events of a stream's text, comments apart; each has its name, its number (from 1, without gaps) and one line of data. */
export function eventsOf (stream: string): JsonObject[] {
  const blocks = stream.split('\n\n').filter(block => block !== '' && !block.startsWith(':'))
  return blocks.map((block, index) => {
    const match = /^event: (\w+)\nid: (\d+)\ndata: ([^\n]*)$/.exec(block)
    const event = objectOf(match?.[3] ?? '')
    if (event['type'] !== match?.[1]) throw new Error(`another name than type: ${block}`)
    if (match?.[2] !== String(index + 1)) throw new Error(`number ${String(match?.[2])} in place ${index + 1}`)
    return event
  })
}

/**
 * The message that a stream's events add up to. A tool's input is parsed; what is no JSON object stays text.
 * @throws the events are not in the order that the format wants, or do not end in `message_stop`
 */
export function accumulated (events: readonly JsonObject[]): JsonObject {
  const [first, ...rest] = events
  if (first?.['type'] !== 'message_start' || !isJsonObject(first['message'])) throw new Error('no message_start')
  const message = first['message']
  const content: JsonObject[] = []
  let open: { type: unknown, [key: string]: unknown } | undefined
  let json = ''
  let end: JsonObject = {}
  let state: 'content' | 'delta' | 'stop' = 'content'
  for (const event of rest) {
    const { type, index, delta, content_block: block, usage } = event
    if (type === 'message_delta' && state === 'content' && open === undefined && isJsonObject(delta) && isJsonObject(usage)) {
      end = { ...delta, usage: isJsonObject(message['usage']) ? { ...message['usage'], ...usage } : {} }
      state = 'delta'
    } else if (type === 'message_stop' && state === 'delta') {
      state = 'stop'
    } else if (type === 'content_block_start' && state === 'content' && open === undefined && index === content.length && isJsonObject(block)) {
      open = { ...block, type: block['type'] }
      json = ''
    } else if (type === 'content_block_delta' && open !== undefined && index === content.length && isJsonObject(delta)) {
      json += grow(open, delta)
    } else if (type === 'content_block_stop' && open !== undefined && index === content.length) {
      if (open.type === 'tool_use' && json !== '') open['input'] = inputOf(json)
      content.push(open)
      open = undefined
    } else {
      throw new Error(`not now: ${JSON.stringify(event)}`)
    }
  }
  if (state !== 'stop') throw new Error('no message_stop')
  return { ...message, ...end, content }
}

/** Adds a delta to its block; gives what it adds to a tool's input. */
function grow (block: { type: unknown, [key: string]: unknown }, delta: JsonObject): string {
  const add = (field: string, text: unknown) => {
    if (typeof text !== 'string' || text === '') throw new Error(`an empty delta: ${JSON.stringify(delta)}`)
    block[field] = String(block[field]) + text
  }
  switch (`${String(block.type)} ${String(delta['type'])}`) {
    case 'text text_delta':
      add('text', delta['text'])
      return ''
    case 'text citations_delta':
      block['citations'] = [...(Array.isArray(block['citations']) ? block['citations'] : []), delta['citation']]
      return ''
    case 'thinking thinking_delta':
      add('thinking', delta['thinking'])
      return ''
    case 'thinking signature_delta':
      block['signature'] = delta['signature']
      return ''
    case 'tool_use input_json_delta':
      return String(delta['partial_json'])
    default:
      throw new Error(`${String(delta['type'])} in ${String(block.type)}`)
  }
}

function inputOf (json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}
