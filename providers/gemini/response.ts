import { randomUUID } from 'node:crypto'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletion, ChatCompletionChunk, CompletionToolCall, Delta, ToolCallDelta, Usage } from '../../schemas/chat-completion.ts'
import type { ChoiceFact, ChunkFacts } from '../../streams/chunk-facts.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { answerOf } from './answer.ts'
import type { Answer, Call, Candidate } from './answer.ts'
import { finishReasons } from './finish-reason.ts'
import { jsonValue } from './json.ts'
import { PlainEvents } from './plain-events.ts'
import type { PlainEvent, TextKind } from './plain-events.ts'

/** What is known of an answer before it comes. */
export interface AnswerContext {
  /** Stands in where the answer does not name its model. */
  readonly model: string
  /** Unix time in seconds. */
  readonly created: number
  /** What must not be quoted of the upstream's errors. */
  readonly secrets: readonly string[]
}

/** Where Google's own OpenAI endpoint puts the signature. @see https://ai.google.dev/gemini-api/docs/openai */
interface Signed { extra_content?: { google: { thought_signature: string } } }

/**
 * Translates a whole answer.
 * @param value parsed JSON of any shape
 * @throws {UpstreamError} `content_filter`, `empty`, `truncated`, `malformed`, or the error that it holds
 */
export function completionOf (value: unknown, { model, created, secrets }: AnswerContext): ChatCompletion {
  const answer = answerOf(value, secrets)
  const ends = answer.candidates.map(({ finishReason: reason, calls }) => reason === undefined ? undefined : { reason, calls: calls.length > 0 })
  const output = answer.candidates.some(hasOutput)
  const finished = ends.filter(end => end !== undefined)
  if (finished.length === 0 && !output) throw new UpstreamError('empty', 'The provider answered without generating anything.')
  if (finished.length < ends.length) throw new UpstreamError('truncated', 'The provider\'s answer is not complete.')
  const reasons = finishReasons(finished, output)
  return {
    id: answer.id ?? newId('chatcmpl-'),
    object: 'chat.completion',
    created,
    model: answer.model ?? model,
    choices: answer.candidates.map(({ index, text, reasoning, calls, logprobs }, i) => ({
      index,
      message: {
        role: 'assistant',
        content: text === '' ? null : text,
        refusal: null,
        ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls.map(toolCallOf) })
      },
      finish_reason: reasons[i] ?? null,
      logprobs: logprobs ?? null
    })),
    ...(answer.usage === undefined ? {} : { usage: answer.usage })
  }
}

/** Which field of a delta holds which text. */
const DELTA_FIELD = { text: 'content', reasoning: 'reasoning_content' } as const satisfies { [kind in TextKind]: keyof Delta }

/** What goes around the text of a chunk that brings nothing else. */
interface TextFrame {
  readonly index: number
  readonly kind: TextKind
  /** The chunk's JSON up to the text. */
  readonly prefix: string
}

const TEXT_SUFFIX = '},"finish_reason":null}]}'

/** A choice of a stream, as far as it has come. */
interface Choice {
  /** The first delta, which names the role, has gone out. */
  begun: boolean
  calls: number
  finishReason: string | undefined
}

/**
 * Translates a stream: one chunk for an event that brings output, none for others.
 *
 * Old models say `STOP` in every event, so a finish reason counts only when nothing follows it: all of them go out at
 * the end of the body, and with them the last usage. Gemini's terminal event is thus a finish reason, then the end.
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
    this.#output = true
    this.#plain.learn(data, answer) // its choice has begun now, so the next chunk names no role
    return this.#chunk(choices, true)
  }

  /** What `#chunk` gives for a piece of text. */
  #textChunk ({ index, kind, textJson, usage }: PlainEvent): Chunk {
    if (usage !== undefined) this.#usage = usage
    if (this.#frame?.index !== index || this.#frame.kind !== kind) {
      const frame = JSON.stringify({ ...this.#identity, choices: [{ index, delta: {}, finish_reason: null }] })
      this.#frame = { index, kind, prefix: frame.slice(0, -TEXT_SUFFIX.length) + JSON.stringify(DELTA_FIELD[kind]) + ':' }
      this.#facts = undefined
    }
    if (this.#facts?.usage !== this.#usage) this.#facts = undefined
    this.#facts ??= { output: true, choices: [{ index, finishReason: null }], usage: this.#usage }
    return { json: this.#frame.prefix + textJson + TEXT_SUFFIX, facts: this.#facts }
  }

  /**
   * The last chunks, once the upstream has ended: a finish reason for each choice that has one, and the usage.
   * @throws {UpstreamError} `content_filter`, `malformed` or `empty`: what came is no answer
   */
  readonly flush = (): readonly Chunk[] => {
    const ended = [...this.#choices].flatMap(([index, { finishReason: reason, calls, begun }]) => {
      return reason === undefined ? [] : [{ index, begun, reason, calls: calls > 0 }]
    })
    const reasons = finishReasons(ended, this.#output)
    const choices = ended.map(({ index, begun }, i): ChatCompletionChunk['choices'][number] => {
      return { index, delta: begun ? {} : { role: 'assistant', content: '' }, finish_reason: reasons[i] ?? null }
    })
    return [
      ...(choices.length === 0 ? [] : [this.#chunk(choices, false)]),
      ...(this.#usage === undefined ? [] : [this.#chunk([], false, this.#usage)])
    ]
  }

  /** Notes what an event says of a candidate; gives the delta, if there is one. */
  #advance (candidate: Candidate): ChatCompletionChunk['choices'] {
    const { index, text, reasoning, calls, finishReason, logprobs } = candidate
    let choice = this.#choices.get(index)
    if (choice === undefined) this.#choices.set(index, choice = { begun: false, calls: 0, finishReason: undefined })
    if (finishReason !== undefined) choice.finishReason = finishReason
    if (!hasOutput(candidate)) return []
    const delta: Delta = {}
    if (!choice.begun) delta.role = 'assistant'
    if (reasoning !== '') delta.reasoning_content = reasoning
    if (text !== '') delta.content = text
    if (calls.length > 0) delta.tool_calls = calls.map((call, i): ToolCallDelta => ({ index: choice.calls + i, ...toolCallOf(call) }))
    choice.begun = true
    choice.calls += calls.length
    return [{ index, delta, finish_reason: null, ...(logprobs === undefined ? {} : { logprobs }) }]
  }

  #chunk (choices: ChatCompletionChunk['choices'], output: boolean, usage?: Usage): Chunk {
    this.#identity ??= this.#identityOf({ id: undefined, model: undefined })
    const chunk: ChatCompletionChunk = { ...this.#identity, choices, ...(usage === undefined ? {} : { usage }) }
    return {
      json: JSON.stringify(chunk),
      facts: {
        output,
        choices: choices.map(({ index, finish_reason: finishReason }): ChoiceFact => ({ index, finishReason })),
        // Known with every chunk, though the caller sees it once: a stream that breaks off has its count, too.
        usage: this.#usage
      }
    }
  }

  #identityOf ({ id, model }: Pick<Answer, 'id' | 'model'>): Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'> {
    return { id: id ?? newId('chatcmpl-'), object: 'chat.completion.chunk', created: this.#context.created, model: model ?? this.#context.model }
  }
}

function hasOutput ({ text, reasoning, calls }: Candidate): boolean {
  return text !== '' || reasoning !== '' || calls.length > 0
}

function toolCallOf ({ id, name, arguments: args, signature }: Call): CompletionToolCall & Signed {
  return {
    id: id ?? newId('call_'),
    type: 'function',
    function: { name, arguments: args },
    ...(signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } })
  }
}

function newId (prefix: string): string {
  return prefix + randomUUID().replaceAll('-', '')
}
