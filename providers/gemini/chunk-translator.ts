import type { ChatCompletionChunk, Delta, ToolCallDelta, Usage } from '../../schemas/chat-completion.ts'
import { jsonValue } from '../../schemas/json-object.ts'
import { outputLengthOf } from '../../streams/chunk-facts.ts'
import type { ChoiceFact, ChunkFacts } from '../../streams/chunk-facts.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { Annotations } from './annotations.ts'
import { answerOf } from './answer.ts'
import type { Answer, Candidate } from './answer.ts'
import { finishReasons } from './finish-reason.ts'
import { extrasOf, functionCallOf, hasOutput, newId, noteEvent, toolCallOf } from './message.ts'
import type { AnswerContext, Extras } from './message.ts'
import { PlainEvents } from './plain-events.ts'
import type { PlainEvent, TextKind } from './plain-events.ts'

/** Which field of a delta holds which text. */
const DELTA_FIELD = { text: 'content', reasoning: 'reasoning_content' } as const satisfies { [kind in TextKind]: keyof Delta }

/** What goes around the text of a chunk that brings nothing else. */
interface TextFrame {
  readonly index: number
  readonly kind: TextKind
  /** The chunk's JSON up to the text. */
  readonly prefix: string
  /** Of the choice. */
  readonly annotations: Annotations
}

const TEXT_SUFFIX = '},"finish_reason":null}]}'

/** A choice of a stream, as far as it has come. */
interface Choice {
  /** The first delta, which names the role, has gone out. */
  begun: boolean
  calls: number
  finishReason: string | undefined
  readonly annotations: Annotations
}

type ChunkChoice = ChatCompletionChunk['choices'][number]

/**
 * Translates a stream: one chunk for an event that brings output, none for others.
 *
 * Old models say `STOP` in every event, so a finish reason counts only when nothing follows it: all of them go out at
 * the end of the body, behind what is known of sources, and with them the last usage. Gemini's terminal event is thus a
 * finish reason, then the end.
 */
export class ChunkTranslator {
  readonly #context: AnswerContext
  readonly #choices = new Map<number, Choice>()
  /** Of the first event; each chunk of a stream has the same. */
  #identity: Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'> | undefined
  #usage: Usage | undefined
  #output = false
  readonly #plain = new PlainEvents()
  /** Of the last chunk that was made without JSON. */
  #frame: TextFrame | undefined
  #facts: ChunkFacts | undefined

  constructor (context: AnswerContext) {
    this.#context = context
  }

  /**
   * @param data of one event
   * @throws {UpstreamError} `content_filter`, `malformed`, or the error that the event reports
   */
  readonly translate = (data: string): Chunk | undefined => {
    const plain = this.#plain.recognise(data)
    return plain === undefined ? this.#parsed(data) : this.#textChunk(plain)
  }

  #parsed (data: string): Chunk | undefined {
    const answer = answerOf(jsonValue(data), this.#context.secrets)
    this.#identity ??= this.#identityOf(answer)
    if (answer.usage !== undefined) this.#usage = answer.usage
    const choices = answer.candidates.flatMap(candidate => this.#advance(candidate))
    if (choices.length === 0) return undefined
    const output = answer.candidates.some(hasOutput)
    this.#output ||= output
    this.#plain.learn(data, answer) // its choice has begun now, so the next chunk names no role
    return this.#chunk(choices, output)
  }

  /** What `#chunk` gives for a piece of text. */
  #textChunk (event: PlainEvent): Chunk {
    const { index, kind, textJson, usage } = event
    if (usage !== undefined) this.#usage = usage
    let frame = this.#frame
    if (frame?.index !== index || frame.kind !== kind) {
      const empty = JSON.stringify({ ...this.#identity, choices: [{ index, delta: {}, finish_reason: null }] })
      const prefix = empty.slice(0, -TEXT_SUFFIX.length) + JSON.stringify(DELTA_FIELD[kind]) + ':'
      this.#frame = frame = { index, kind, prefix, annotations: this.#choice(index).annotations }
      this.#facts = undefined
    }
    if (kind === 'text') frame.annotations.plainContent(event)
    else frame.annotations.partOf('other')
    if (this.#facts?.usage !== this.#usage) this.#facts = undefined
    this.#facts ??= { output: true, choices: [{ index, finishReason: null }], usage: this.#usage }
    return { json: frame.prefix + textJson + TEXT_SUFFIX, facts: this.#facts, characters: textJson.length - 2 }
  }

  /**
   * The last chunks, once the upstream has ended: the sources, a finish reason for each choice that has one, and the usage.
   * @throws {UpstreamError} `content_filter`, `malformed` or `empty`: what came is no answer
   */
  readonly flush = (): readonly Chunk[] => {
    const ended = [...this.#choices].flatMap(([index, choice]) => {
      const { finishReason: reason, calls } = choice
      return reason === undefined ? [] : [{ index, choice, reason, calls: calls > 0 }]
    })
    const reasons = finishReasons(ended, this.#output, this.#context.functionCall === true ? 'function_call' : 'tool_calls')
    const cited = [...this.#choices].flatMap(([index, choice]): ChunkChoice[] => {
      const annotations = choice.annotations.list()
      if (annotations.length === 0) return []
      const delta: Delta & Extras = { ...begin(choice), annotations }
      return [{ index, delta, finish_reason: null }]
    })
    const finished = ended.map(({ index, choice }, i): ChunkChoice => {
      return { index, delta: choice.begun ? {} : { ...begin(choice), content: '' }, finish_reason: reasons[i] ?? null }
    })
    return [
      ...(cited.length === 0 ? [] : [this.#chunk(cited, false)]),
      ...(finished.length === 0 ? [] : [this.#chunk(finished, false)]),
      ...(this.#usage === undefined ? [] : [this.#chunk([], false, this.#usage)])
    ]
  }

  /** Notes what an event says of a candidate; gives the delta, if there is one. */
  #advance (candidate: Candidate): ChunkChoice[] {
    const { index, text, reasoning, calls, finishReason, logprobs } = candidate
    const choice = this.#choice(index)
    if (finishReason !== undefined) choice.finishReason = finishReason
    noteEvent(choice.annotations, candidate)
    const extras = extrasOf(candidate)
    // A signature may come by itself, in a part without text.
    if (!hasOutput(candidate) && extras.extra_content === undefined) return []
    const delta: Delta & Extras = { ...begin(choice), ...extras }
    if (reasoning !== '') delta.reasoning_content = reasoning
    if (text !== '') delta.content = text
    if (this.#context.functionCall === true) {
      if (choice.calls === 0) Object.assign(delta, functionCallOf(calls))
    } else if (calls.length > 0) {
      delta.tool_calls = calls.map((call, i): ToolCallDelta => ({ index: choice.calls + i, ...toolCallOf(call) }))
    }
    choice.calls += calls.length
    return [{ index, delta, finish_reason: null, ...(logprobs === undefined ? {} : { logprobs }) }]
  }

  #choice (index: number): Choice {
    let choice = this.#choices.get(index)
    if (choice === undefined) this.#choices.set(index, choice = { begun: false, calls: 0, finishReason: undefined, annotations: new Annotations() })
    return choice
  }

  #chunk (choices: ChunkChoice[], output: boolean, usage?: Usage): Chunk {
    this.#identity ??= this.#identityOf({ id: undefined, model: undefined })
    const chunk: ChatCompletionChunk = { ...this.#identity, choices, ...(usage === undefined ? {} : { usage }) }
    return {
      json: JSON.stringify(chunk),
      facts: {
        output,
        choices: choices.map(({ index, finish_reason: finishReason }): ChoiceFact => ({ index, finishReason })),
        // Known with every chunk, though the caller sees it once: a stream that breaks off has its count, too.
        usage: this.#usage
      },
      characters: outputLengthOf(chunk)
    }
  }

  #identityOf ({ id, model }: Pick<Answer, 'id' | 'model'>): Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'> {
    return { id: id ?? newId('chatcmpl-'), object: 'chat.completion.chunk', created: this.#context.created, model: model ?? this.#context.model }
  }
}

/** The role, in the first delta of a choice. */
function begin (choice: Choice): Pick<Delta, 'role'> {
  if (choice.begun) return {}
  choice.begun = true
  return { role: 'assistant' }
}
