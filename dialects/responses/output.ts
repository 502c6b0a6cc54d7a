import type { JsonObject } from '../../schemas/json-object.ts'
import type { Annotation, ItemStatus, Logprob, OutputItem } from '../../schemas/responses-output.ts'
import { CallItem } from './call-item.ts'
import type { CallDelta, OutputDelta } from './delta.ts'
import { MessageItem } from './message-item.ts'
import type { Emit } from './message-item.ts'
import { ReasoningItem } from './reasoning-item.ts'
import type { ReasoningView } from './reasoning-item.ts'

interface OutputOptions {
  /** What the items' ids end in. */
  readonly id: string
  readonly reasoning: ReasoningView
  readonly emit: Emit
}

/** A call whose name has not come yet. */
interface NamelessCall {
  id: string | undefined
  custom: boolean
  input: string
  extra: JsonObject | undefined
}

/** What a call is filed under until its name is there, and then. */
type Call = { readonly kind: 'nameless', readonly so: NamelessCall } | { readonly kind: 'open', readonly item: CallItem, readonly id: string | undefined }

/** Characters that an item's frame takes, roughly: what stands in it beside its text. */
const ITEM_SIZE = 512

/**
 * The output of an answer, made of deltas in the core's format:
 *
 *     reasoning ─► an item, closed by the first text or call after it; more reasoning is another item
 *     text, refusal ─► one message
 *     tool calls ─► an item each
 *
 * Items stand in the order in which they began, and all but reasoning stay open until the end.
 */
export class AnswerOutput {
  readonly #id: string
  readonly #view: ReasoningView
  readonly #emit: Emit
  readonly #items: Array<MessageItem | ReasoningItem | CallItem> = []
  #reasoning: ReasoningItem | undefined
  #message: MessageItem | undefined
  /** By their index in the core's format. */
  readonly #calls = new Map<number, Call>()
  readonly #callIds = new Set<string>()
  /** What belongs to the text and came before it. */
  #annotations: Annotation[] = []
  #logprobs: Logprob[] = []
  #extra: JsonObject | undefined
  #size = 0

  constructor ({ id, reasoning, emit }: OutputOptions) {
    this.#id = id
    this.#view = reasoning
    this.#emit = emit
  }

  /** What it holds, in characters, roughly. */
  get size (): number { return this.#size }

  get items (): OutputItem[] { return this.#items.map(({ item }) => item) }

  add ({ reasoning, details, text, refusal, calls, annotations, logprobs, extra }: OutputDelta): void {
    if (reasoning !== '' || details.length > 0) {
      this.#reasoning ??= this.#begin((id, index) => new ReasoningItem(`rs_${id}`, index, this.#emit, this.#view))
      this.#reasoning.think(reasoning, details)
    }
    if (text !== '' || refusal !== '' || calls.length > 0) this.#endReasoning('completed')
    this.#annotations.push(...annotations)
    this.#logprobs.push(...logprobs)
    if (text !== '' || (this.#logprobs.length > 0 && this.#message?.hasText === true)) this.#say(text)
    if (refusal !== '') this.#messageItem().refuse(refusal)
    if (this.#annotations.length > 0 && this.#message?.hasText === true) this.#annotate()
    for (const call of calls) this.#addCall(call)
    if (extra !== undefined) this.#extra = { ...this.#extra, ...extra }
    this.#size += sizeOf(reasoning, text, refusal, details, annotations, logprobs, extra)
  }

  /** Nothing comes any more. @param status of what was still open */
  end (status: Exclude<ItemStatus, 'in_progress'>): void {
    for (const [index, call] of this.#calls) if (call.kind === 'nameless') this.#openCall(index, call.so, '')
    const sentBack = this.#extras()
    for (const item of this.#items) {
      if (item instanceof CallItem) item.end(status)
      else if (item instanceof MessageItem) item.end(status, this.#extra)
      else if (item === this.#reasoning) item.end(status, sentBack)
    }
    if (this.#reasoning === undefined && sentBack !== undefined) {
      this.#begin((id, index) => new ReasoningItem(`rs_${id}`, index, this.#emit, this.#view)).end(status, sentBack)
    }
  }

  /**
   * What the provider wants back beside its reasoning, where it has to go through a reasoning item: all of it if the
   * caller keeps such items, as clients drop fields of others that they do not know; else what has no item of its own.
   */
  #extras (): { message?: JsonObject, calls?: Array<{ id: string, extra: JsonObject }> } | undefined {
    const message = this.#view.encrypted || this.#message === undefined ? this.#extra : undefined
    const calls = !this.#view.encrypted
      ? []
      : this.items.flatMap(item => 'call_id' in item && item.extra_content !== undefined ? [{ id: item.call_id, extra: item.extra_content }] : [])
    if (message === undefined && calls.length === 0) return undefined
    return { ...(message === undefined ? {} : { message }), ...(calls.length > 0 ? { calls } : {}) }
  }

  #say (text: string): void {
    const logprobs = this.#logprobs
    this.#logprobs = []
    this.#messageItem().say(text, logprobs)
  }

  #annotate (): void {
    const message = this.#messageItem()
    for (const annotation of this.#annotations) message.annotate(annotation)
    this.#annotations = []
  }

  #messageItem (): MessageItem {
    return (this.#message ??= this.#begin((id, index) => new MessageItem(`msg_${id}`, index, this.#emit)))
  }

  #endReasoning (status: ItemStatus): void {
    this.#reasoning?.end(status)
    this.#reasoning = undefined
  }

  #addCall ({ index, id, name, custom, input, extra }: CallDelta): void {
    const known = this.#calls.get(index)
    // Some servers number all calls of an answer 0, and tell them apart by their ids.
    const another = known?.kind === 'open' && id !== undefined && name !== undefined && known.id !== undefined && known.id !== id
    this.#size += input.length + (extra === undefined ? 0 : JSON.stringify(extra).length)
    if (known?.kind === 'open' && !another) {
      known.item.add(input, extra)
      return
    }
    const so: NamelessCall = known?.kind === 'nameless' ? known.so : { id, custom, input: '', extra: undefined }
    so.id ??= id
    so.custom ||= custom
    so.input += input
    if (extra !== undefined) so.extra = { ...so.extra, ...extra }
    if (name === undefined) this.#calls.set(index, { kind: 'nameless', so })
    else this.#openCall(index, so, name)
  }

  #openCall (index: number, { id, custom, input, extra }: NamelessCall, name: string): void {
    const item = this.#begin((itemId, position) => new CallItem(`${custom ? 'ctc' : 'fc'}_${itemId}`, position, this.#emit, { callId: this.#callId(id, position), name, custom }))
    this.#calls.set(index, { kind: 'open', item, id })
    item.add(input, extra)
  }

  /** The provider's, if it gave one that no other call of the answer has. */
  #callId (id: string | undefined, position: number): string {
    const own = id === undefined || this.#callIds.has(id) ? `call_${this.#id}_${position}` : id
    this.#callIds.add(own)
    return own
  }

  #begin<T extends MessageItem | ReasoningItem | CallItem> (make: (id: string, index: number) => T): T {
    const index = this.#items.length
    const item = make(`${this.#id}_${index}`, index)
    this.#items.push(item)
    this.#size += ITEM_SIZE
    return item
  }
}

function sizeOf (reasoning: string, text: string, refusal: string, ...rest: ReadonlyArray<object | undefined>): number {
  let size = reasoning.length + text.length + refusal.length
  for (const value of rest) if (value !== undefined && Object.keys(value).length > 0) size += JSON.stringify(value).length
  return size
}
