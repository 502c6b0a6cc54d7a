import type { ContentBlockDelta, ContentBlockStart, ConverseStreamOutput } from '@aws-sdk/client-bedrock-runtime'
import type { ChatCompletionChunk, FinishReason, Usage } from '../../schemas/chat-completion.ts'
import { hasOutput } from '../../streams/chunk-facts.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { SERVER_TOOL_USE, base64, finishReasonOf, usageOf } from './response.ts'
import type { BedrockDelta, CompletionHead } from './response.ts'
import { JSON_ANSWER } from './tools.ts'

/**
 * The events of one ConverseStream as chunks, in order.
 *
 *     messageStart              role
 *     contentBlockStart         a tool call's id and name
 *     contentBlockDelta         text, reasoning, arguments
 *     contentBlockStop          `{}` for a call that got no arguments
 *     messageStop               the finish reason: the end, but for
 *     metadata                  the token counts
 *
 * What the provider's own tools do (`server_tool_use` and the results) and the sources of citations are passed over; the
 * text that is supported by a citation comes as text.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
export class StreamTranslator {
  readonly #head: CompletionHead
  #begun = false
  #finished = false
  /** By content block: the caller's tool calls. */
  readonly #calls = new Map<number, { readonly index: number, empty: boolean }>()
  /** The content block of the tool whose arguments are the answer itself. */
  #jsonAnswer: number | undefined

  constructor (head: CompletionHead) {
    this.#head = head
  }

  /** @throws {UpstreamError} `malformed`: the model did not manage an answer */
  translate (event: ConverseStreamOutput): readonly Chunk[] {
    if (event.metadata != null) return this.#usage(usageOf(event.metadata.usage))
    if (this.#finished) return []
    if (event.contentBlockDelta != null) return this.#delta(event.contentBlockDelta.contentBlockIndex ?? 0, event.contentBlockDelta.delta)
    if (event.contentBlockStart != null) return this.#start(event.contentBlockStart.contentBlockIndex ?? 0, event.contentBlockStart.start)
    if (event.contentBlockStop != null) return this.#stop(event.contentBlockStop.contentBlockIndex ?? 0)
    if (event.messageStart != null) return this.#begun ? [] : [this.#chunk({ content: '' })]
    if (event.messageStop != null) return this.#finish(event.messageStop.stopReason ?? '')
    return []
  }

  #start (block: number, start: ContentBlockStart | undefined): Chunk[] {
    const call = start?.toolUse
    if (call == null || call.type === SERVER_TOOL_USE) return []
    if (call.name === JSON_ANSWER) {
      this.#jsonAnswer = block
      return []
    }
    const index = this.#calls.size
    this.#calls.set(block, { index, empty: true })
    return [this.#chunk({
      tool_calls: [{ index, id: call.toolUseId ?? '', type: 'function', function: { name: call.name ?? '', arguments: '' } }]
    })]
  }

  #delta (block: number, delta: ContentBlockDelta | undefined): Chunk[] {
    if (delta == null) return []
    const { text, toolUse, reasoningContent: reasoning } = delta
    if (text) return [this.#chunk({ content: text })]
    if (toolUse?.input) return this.#arguments(block, toolUse.input)
    if (reasoning?.text) return [this.#chunk({ reasoning_content: reasoning.text })]
    if (reasoning?.signature) return [this.#chunk({ reasoning_signature: reasoning.signature })]
    if (reasoning?.redactedContent != null) return [this.#chunk({ reasoning_redacted: base64(reasoning.redactedContent) })]
    return []
  }

  #arguments (block: number, text: string): Chunk[] {
    if (block === this.#jsonAnswer) return [this.#chunk({ content: text })]
    const call = this.#calls.get(block)
    if (call === undefined) return [] // the input of a tool that the provider runs
    call.empty = false
    return [this.#chunk({ tool_calls: [{ index: call.index, function: { arguments: text } }] })]
  }

  /** Callers parse the arguments as JSON, which an empty text is not. */
  #stop (block: number): Chunk[] {
    return this.#calls.get(block)?.empty === true ? this.#arguments(block, '{}') : []
  }

  #finish (stopReason: string): Chunk[] {
    const finishReason = finishReasonOf(stopReason, { calls: this.#calls.size > 0 })
    this.#finished = true
    const unstopped = [...this.#calls.keys()].flatMap(block => this.#stop(block))
    return [...unstopped, this.#chunk({}, finishReason)]
  }

  #usage (usage: Usage | undefined): Chunk[] {
    if (usage === undefined) return []
    const chunk: ChatCompletionChunk = { ...this.#frame(), choices: [], usage }
    return [{ json: JSON.stringify(chunk), facts: { output: false, choices: [], usage } }]
  }

  /** One chunk; the first carries the role. */
  #chunk (rest: BedrockDelta, finishReason: FinishReason | null = null): Chunk {
    const delta: BedrockDelta = this.#begun ? rest : { role: 'assistant', ...rest }
    this.#begun = true
    const chunk: ChatCompletionChunk = { ...this.#frame(), choices: [{ index: 0, delta, finish_reason: finishReason }] }
    return {
      json: JSON.stringify(chunk),
      facts: { output: hasOutput(delta), choices: [{ index: 0, finishReason }], usage: undefined }
    }
  }

  #frame (): Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'> {
    return { id: this.#head.id, object: 'chat.completion.chunk', created: this.#head.created, model: this.#head.model }
  }
}
