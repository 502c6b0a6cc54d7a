import type { ChatCompletionChunk, FinishReason, Usage } from '../../schemas/chat-completion.ts'
import { hasOutput, outputLengthOf } from '../../streams/chunk-facts.ts'
import type { ChunkFacts } from '../../streams/chunk-facts.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { annotationOf } from './citations.ts'
import { ReasoningStream } from './reasoning-stream.ts'
import { SERVER_TOOL_USE, finishReasonOf, usageOf } from './response.ts'
import type { BedrockDelta, CompletionHead } from './response.ts'
import { JSON_ANSWER } from './tools.ts'
import type { AnswerDelta, Citation, ConverseEvent, ToolUse } from './wire.ts'

/** What a request asks for of its answer's form. */
export interface WantedForm {
  /** Calls in the deprecated form: the first one, as `function_call`. */
  readonly asFunction?: boolean
  /** Citations of its documents. */
  readonly citations?: boolean
}

/** Of every chunk that brings text and nothing else. */
const TEXT_FACTS: ChunkFacts = { output: true, choices: [{ index: 0, finishReason: null }], usage: undefined }
const TEXT_SUFFIX = '},"finish_reason":null}]}'

/**
 * The events of one ConverseStream as chunks, in order.
 *
 *     messageStart              role
 *     contentBlockStart         a tool call's id and name
 *     contentBlockDelta         text, reasoning, arguments
 *     contentBlockStop          `{}` for a call that got no arguments; what the block's text cites
 *     messageStop               the finish reason: the end, but for
 *     metadata                  the token counts
 *
 * What the provider's own tools do (`server_tool_use` and the results) is passed over, as are citations that the request
 * has not asked for.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
export class StreamTranslator {
  readonly #head: CompletionHead
  readonly #wanted: WantedForm
  /** The JSON of a chunk with text, up to the text. Such chunks are nearly all there are, and alike but for the text. */
  readonly #textPrefix: string
  #begun = false
  #finished = false
  /** By content block: the caller's tool calls. */
  readonly #calls = new Map<number, { readonly index: number, empty: boolean }>()
  /** The content block of the tool whose arguments are the answer itself. */
  #jsonAnswer: number | undefined
  readonly #reasoning = new ReasoningStream()
  /** Of the answer's content until now, in UTF-16 units; counted only for citations, since that takes as long as the rest. */
  #length = 0
  /** The same when the current block began. Blocks come one after the other. */
  #blockStart = 0
  /** Of the current block. */
  #citations: Citation[] = []

  constructor (head: CompletionHead, wanted: WantedForm = {}) {
    this.#head = head
    this.#wanted = wanted
    this.#textPrefix = `${JSON.stringify(this.#frame()).slice(0, -1)},"choices":[{"index":0,"delta":{"content":`
  }

  /** A piece of text, as JSON: what `translate` would give for it, without a look at it. */
  translateText (json: string): Chunk | readonly Chunk[] {
    if (this.#finished) return []
    if (this.#wanted.citations === true) this.#length += unitsIn(json)
    return this.#begun ? this.#textChunk(json) : this.#chunk({ content: JSON.parse(json) })
  }

  /** Whether the answer is complete, but for the token counts. */
  get finished (): boolean { return this.#finished }

  /** @throws {UpstreamError} `malformed`: the model did not manage an answer */
  translate (event: ConverseEvent): Chunk | readonly Chunk[] {
    if (event.contentBlockDelta != null) return this.#finished ? [] : this.#delta(event.contentBlockDelta.contentBlockIndex ?? 0, event.contentBlockDelta.delta)
    if (event.metadata != null) return this.#usage(usageOf(event.metadata.usage))
    if (this.#finished) return []
    if (event.contentBlockStart != null) return this.#start(event.contentBlockStart.contentBlockIndex ?? 0, event.contentBlockStart.start?.toolUse)
    if (event.contentBlockStop != null) return this.#stop(event.contentBlockStop.contentBlockIndex ?? 0)
    if (event.messageStart != null) return this.#begun ? [] : [this.#chunk({ content: '' })]
    if (event.messageStop != null) return this.#finish(event.messageStop.stopReason ?? '')
    return []
  }

  #start (block: number, call: ToolUse | undefined): Chunk[] {
    if (call == null || call.type === SERVER_TOOL_USE) return []
    if (call.name === JSON_ANSWER) {
      this.#jsonAnswer = block
      return []
    }
    const index = this.#calls.size
    this.#calls.set(block, { index, empty: true })
    const called = { name: call.name ?? '', arguments: '' }
    if (this.#wanted.asFunction === true) return index === 0 ? [this.#chunk({ function_call: called })] : []
    return [this.#chunk({ tool_calls: [{ index, id: call.toolUseId ?? '', type: 'function', function: called }] })]
  }

  #delta (block: number, delta: AnswerDelta | undefined): Chunk | readonly Chunk[] {
    if (delta == null) return []
    const { text, toolUse, reasoningContent, citation } = delta
    if (typeof text === 'string' && text !== '') return this.translateText(JSON.stringify(text))
    if (typeof toolUse?.input === 'string' && toolUse.input !== '') return this.#arguments(block, toolUse.input)
    if (citation != null && this.#wanted.citations === true) this.#citations.push(citation)
    const reasoning = reasoningContent == null ? undefined : this.#reasoning.deltaOf(block, reasoningContent)
    return reasoning === undefined ? [] : [this.#chunk(reasoning)]
  }

  #arguments (block: number, text: string): Chunk[] {
    if (block === this.#jsonAnswer) {
      this.#length += text.length
      return [this.#chunk({ content: text })]
    }
    const call = this.#calls.get(block)
    if (call === undefined) return [] // the input of a tool that the provider runs
    call.empty = false
    if (this.#wanted.asFunction === true) return call.index === 0 ? [this.#chunk({ function_call: { arguments: text } })] : []
    return [this.#chunk({ tool_calls: [{ index: call.index, function: { arguments: text } }] })]
  }

  #stop (block: number): Chunk[] {
    return [...this.#cited(), ...this.#noArguments(block)]
  }

  /** Callers parse the arguments as JSON, which an empty text is not. */
  #noArguments (block: number): Chunk[] {
    return this.#calls.get(block)?.empty === true ? this.#arguments(block, '{}') : []
  }

  /** The citations of the block that ends: only now is it known how far the text goes that they stand for. */
  #cited (): Chunk[] {
    const annotations = this.#citations.map(citation => annotationOf(citation, this.#blockStart, this.#length))
    this.#citations = []
    this.#blockStart = this.#length
    return annotations.length === 0 ? [] : [this.#chunk({ annotations })]
  }

  #finish (stopReason: string): Chunk[] {
    const finishReason = finishReasonOf(stopReason, { calls: this.#calls.size > 0, asFunction: this.#wanted.asFunction === true })
    this.#finished = true
    const unstopped = [...this.#calls.keys()].flatMap(block => this.#noArguments(block))
    return [...this.#cited(), ...unstopped, this.#chunk({}, finishReason)]
  }

  #usage (usage: Usage | undefined): Chunk[] {
    if (usage === undefined) return []
    const chunk: ChatCompletionChunk = { ...this.#frame(), choices: [], usage }
    return [{ json: JSON.stringify(chunk), facts: { output: false, choices: [], usage }, characters: 0 }]
  }

  /** What `#chunk` gives for text, without the making of its objects. */
  #textChunk (json: string): Chunk {
    return { json: this.#textPrefix + json + TEXT_SUFFIX, facts: TEXT_FACTS, characters: json.length - 2 }
  }

  /** One chunk; the first carries the role. */
  #chunk (rest: BedrockDelta, finishReason: FinishReason | null = null): Chunk {
    const delta: BedrockDelta = this.#begun ? rest : { role: 'assistant', ...rest }
    this.#begun = true
    const chunk: ChatCompletionChunk = { ...this.#frame(), choices: [{ index: 0, delta, finish_reason: finishReason }] }
    return {
      json: JSON.stringify(chunk),
      facts: { output: hasOutput(delta), choices: [{ index: 0, finishReason }], usage: undefined },
      characters: outputLengthOf(chunk)
    }
  }

  #frame (): Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'> {
    return { id: this.#head.id, object: 'chat.completion.chunk', created: this.#head.created, model: this.#head.model }
  }
}

/** An escape in JSON, which stands for one unit. */
const ESCAPE = /\\(?:u.{4}|.)/g

/** The length of a text in UTF-16 units, by its JSON. */
function unitsIn (json: string): number {
  return json.indexOf('\\') === -1 ? json.length - 2 : json.replace(ESCAPE, '.').length - 2
}
