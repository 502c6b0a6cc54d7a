import type { ErrorOf } from '../dialect.ts'
import { GatewayError } from '../../errors/gateway-error.ts'
import { isJsonObject, objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { MessageEvent } from '../../schemas/messages-api-answer.ts'
import type { BatchEncoder } from '../../streams/batch-pump.ts'
import { namedFrame } from '../../streams/sse-frames.ts'
import { BlockSequence } from './block-sequence.ts'
import { citationsOf } from './citations.ts'
import { messagesError } from './errors.ts'
import { headOf } from './head.ts'
import type { AskedMessage } from './head.ts'
import { reasoningOf } from './reasoning.ts'
import { stopOf } from './stop-reason.ts'
import { ownCallId } from './tool-use.ts'
import { messageUsage, streamedUsage } from './usage.ts'

/**
 * Chunks as the events of the Messages API, numbered from 1:
 *
 *     message_start
 *     content_block_start, content_block_delta …, content_block_stop    for each block
 *     message_delta      why it stopped, and the token counts, which the chat format tells last
 *     message_stop
 *
 * A stream that broke has an `error` in place of the last two, and of any block's end.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export class MessageFrames implements BatchEncoder<string> {
  readonly #asked: AskedMessage
  readonly #errorOf: ErrorOf
  readonly #blocks = new BlockSequence(event => this.#emit(event))
  #text = ''
  #id = 0
  /** The message's id; undefined before it has begun. */
  #messageId: string | undefined
  #finishReason: unknown
  #stoppedBy: unknown
  #refusal = false
  #usage: unknown
  /** It broke by itself: what comes is not told any more. */
  #broken = false

  constructor (asked: AskedMessage, errorOf: ErrorOf) {
    this.#asked = asked
    this.#errorOf = errorOf
  }

  encode (chunks: readonly string[]): string {
    for (const json of chunks) if (!this.#broken) this.#chunk(json)
    return this.#taken()
  }

  end (): string {
    if (this.#broken) return ''
    this.#start({})
    this.#blocks.end()
    this.#emit({
      type: 'message_delta',
      delta: {
        ...stopOf({ finishReason: this.#finishReason, calls: this.#blocks.hasCalls, refusal: this.#refusal, stoppedBy: this.#stoppedBy }, this.#asked.stopSequences),
        stop_details: null,
        container: null
      },
      usage: streamedUsage(this.#usage)
    })
    this.#emit({ type: 'message_stop' })
    return this.#taken()
  }

  fail (error: Error): string {
    if (!this.#broken) this.#break(error)
    return this.#taken()
  }

  #chunk (json: string): void {
    const chunk = objectOf(json)
    if (chunk === undefined) return this.#break(malformed('The target sent a chunk that is no JSON object.'))
    if (chunk['usage'] != null) this.#usage = chunk['usage']
    const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'].find(each => isJsonObject(each) && (each['index'] ?? 0) === 0) : undefined
    if (!isJsonObject(choice)) return
    const messageId = this.#start(chunk)
    if (isJsonObject(choice['delta'])) this.#delta(choice['delta'], messageId)
    if (typeof choice['finish_reason'] === 'string' && choice['finish_reason'] !== '') {
      this.#finishReason = choice['finish_reason']
      this.#stoppedBy = choice['stop_reason']
    }
    switch (this.#blocks.fault) {
      case undefined: return
      case 'too much waits': return this.#break(malformed('The target sent more than can wait behind an unfinished tool call.'))
      case 'a closed call goes on': return this.#break(malformed('The target went on with a tool call whose arguments were complete.'))
    }
  }

  #delta (delta: JsonObject, messageId: string): void {
    const { content, refusal, annotations, tool_calls: calls } = delta
    for (const { key, block } of reasoningOf(delta)) {
      if (block.type === 'reasoning.text') this.#blocks.thinking(key, block.text, block.signature)
      else this.#blocks.redacted(key, block.data)
    }
    if (typeof content === 'string' && content !== '') this.#blocks.text(content)
    if (typeof refusal === 'string' && refusal !== '') {
      this.#refusal = true
      this.#blocks.text(refusal)
    }
    for (const citation of citationsOf(annotations)) this.#blocks.citation(citation)
    if (Array.isArray(calls)) for (const call of calls) if (isJsonObject(call)) this.#call(call, messageId)
  }

  #call (call: JsonObject, messageId: string): void {
    const { index, id, function: called, extra_content: extra } = call
    const place = typeof index === 'number' ? index : 0
    const { name, arguments: text } = isJsonObject(called) ? called : {}
    this.#blocks.call(place, {
      id: typeof id === 'string' && id !== '' ? id : ownCallId(messageId, place),
      name: typeof name === 'string' ? name : '',
      extra
    }, typeof text === 'string' ? text : '')
  }

  /** Begins the message, once. The counts are not known yet. */
  #start (chunk: JsonObject): string {
    if (this.#messageId !== undefined) return this.#messageId
    const head = headOf(chunk, this.#asked)
    this.#messageId = head.id
    this.#emit({
      type: 'message_start',
      message: {
        ...head,
        type: 'message',
        role: 'assistant',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        container: null,
        diagnostics: null,
        usage: messageUsage(undefined)
      }
    })
    return head.id
  }

  #break (error: Error): void {
    this.#broken = true
    const body = messagesError(this.#errorOf(error), this.#asked.requestId)
    this.#text += namedFrame('error', ++this.#id, JSON.stringify(body))
  }

  #emit (event: MessageEvent): void {
    this.#text += namedFrame(event.type, ++this.#id, JSON.stringify(event))
  }

  #taken (): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

function malformed (message: string): GatewayError {
  return new GatewayError(502, message, { type: 'server_error', code: 'malformed_answer' })
}
