import type { AnswerBlock, BlockDelta, MessageEvent, TextCitation } from '../../schemas/messages-api-answer.ts'
import { ArgumentsScan } from './arguments-scan.ts'
import { toolUse } from './tool-use.ts'
import type { ToolUseHead } from './tool-use.ts'

/** Characters that may wait for their block's turn, 1 MiB of memory. */
export const MAX_HELD = 512 * 1024
/** What a call counts for besides its arguments; never given back, so that their number is bounded, too. */
const CALL_COST = 64

/** Why a stream cannot go on. */
export type SequenceFault = 'too much waits' | 'a closed call goes on'

interface Block {
  /** What it continues: a piece for another one begins another block. */
  readonly key: string
  /** Of a call. */
  readonly scan: ArgumentsScan | undefined
  /** As it begins. */
  start: AnswerBlock
  /** What waits to be sent, in order; pieces of one kind are one. */
  held: BlockDelta[]
  state: 'waiting' | 'open' | 'closed'
}

/**
 * The content blocks of one streamed message: numbered from 0, one after the other, never two at once.
 *
 * Text and thinking end where something else begins. A call ends when its arguments are a complete object: the chat
 * format lets several calls grow at the same time, and says of none that it is done. What belongs behind a call that is
 * not complete waits, up to {@link MAX_HELD}; the end of the message ends every call.
 */
export class BlockSequence {
  readonly #emit: (event: MessageEvent) => void
  /** The open block and those behind it. */
  #queue: Block[] = []
  readonly #calls = new Map<number, Block>()
  #opened = 0
  #held = 0
  #fault: SequenceFault | undefined

  constructor (emit: (event: MessageEvent) => void) {
    this.#emit = emit
  }

  /** Set once; what comes after is ignored. */
  get fault (): SequenceFault | undefined { return this.#fault }

  /** Whether the caller's tools were called. */
  get hasCalls (): boolean { return this.#calls.size > 0 }

  text (text: string): void {
    this.#add(this.#continued('text', { type: 'text', text: '', citations: null }), { type: 'text_delta', text })
  }

  /** Of the text before it. */
  citation (citation: TextCitation): void {
    this.#add(this.#continued('text', { type: 'text', text: '', citations: null }), { type: 'citations_delta', citation })
  }

  /** @param key the block that it continues */
  thinking (key: string, thinking: string, signature?: string): void {
    const block = this.#continued(key, { type: 'thinking', thinking: '', signature: '' })
    if (thinking !== '') this.#add(block, { type: 'thinking_delta', thinking })
    if (signature !== undefined) this.#add(block, { type: 'signature_delta', signature })
  }

  /** Such a block leaves whole, in its start: so it waits for what follows. */
  redacted (key: string, data: string): void {
    this.#held += data.length
    const block = this.#continued(key, { type: 'redacted_thinking', data: '' })
    if (block.start.type === 'redacted_thinking') block.start = { ...block.start, data: block.start.data + data }
    this.#advance()
  }

  /**
   * A piece of the call `index`.
   * @param head of the first piece, which has all of it
   */
  call (index: number, head: ToolUseHead, text: string): void {
    let block = this.#calls.get(index)
    if (block === undefined) {
      block = { key: '', scan: new ArgumentsScan(), start: toolUse(head, {}), held: [], state: 'waiting' }
      this.#calls.set(index, block)
      this.#queue.push(block)
      this.#held += CALL_COST
    }
    if (block.state === 'closed') {
      if (text.trim() !== '') this.#fault ??= 'a closed call goes on'
      return
    }
    block.scan?.push(text)
    if (text !== '') this.#add(block, { type: 'input_json_delta', partial_json: text })
    else this.#advance()
  }

  /** The message has ended, and every block with it. */
  end (): void {
    while (this.#queue.length > 0) {
      this.#open({ ended: true })
      this.#close()
    }
  }

  /** The last block, if the key is its own; else a new one behind it. */
  #continued (key: string, start: AnswerBlock): Block {
    const last = this.#queue.at(-1)
    if (last?.key === key) return last
    const block: Block = { key, scan: undefined, start, held: [], state: 'waiting' }
    this.#queue.push(block)
    return block
  }

  #add (block: Block, delta: BlockDelta): void {
    if (block.state === 'open') this.#emit({ type: 'content_block_delta', index: this.#opened - 1, delta })
    else {
      this.#held += sizeOf(delta)
      hold(block.held, delta)
    }
    this.#advance()
  }

  /** Closes and opens as far as it goes. */
  #advance (): void {
    for (;;) {
      this.#open()
      const [first, next] = this.#queue
      if (first?.state !== 'open' || next === undefined || first.scan?.complete === false) break
      this.#close()
    }
    if (this.#held > MAX_HELD) this.#fault ??= 'too much waits'
  }

  /** The first block, with all that waited in it. */
  #open ({ ended = false } = {}): void {
    const [block] = this.#queue
    if (block?.state !== 'waiting') return
    if (block.start.type === 'redacted_thinking' && this.#queue.length === 1 && !ended) return
    block.state = 'open'
    const index = this.#opened++
    this.#emit({ type: 'content_block_start', index, content_block: block.start })
    if (block.start.type === 'redacted_thinking') this.#held -= block.start.data.length
    for (const delta of block.held) {
      this.#held -= sizeOf(delta)
      this.#emit({ type: 'content_block_delta', index, delta })
    }
    block.held = []
  }

  #close (): void {
    const block = this.#queue.shift()
    if (block?.state === 'open') this.#emit({ type: 'content_block_stop', index: this.#opened - 1 })
    if (block !== undefined) block.state = 'closed'
  }
}

function sizeOf (delta: BlockDelta): number {
  switch (delta.type) {
    case 'text_delta': return delta.text.length
    case 'thinking_delta': return delta.thinking.length
    case 'signature_delta': return delta.signature.length
    case 'input_json_delta': return delta.partial_json.length
    case 'citations_delta': return JSON.stringify(delta.citation).length
  }
}

/** Joined to the one before, where both are of one kind: what waited leaves in few frames. */
function hold (held: BlockDelta[], delta: BlockDelta): void {
  const last = held.at(-1)
  if (last?.type === 'text_delta' && delta.type === 'text_delta') held[held.length - 1] = { ...last, text: last.text + delta.text }
  else if (last?.type === 'thinking_delta' && delta.type === 'thinking_delta') held[held.length - 1] = { ...last, thinking: last.thinking + delta.thinking }
  else if (last?.type === 'input_json_delta' && delta.type === 'input_json_delta') held[held.length - 1] = { ...last, partial_json: last.partial_json + delta.partial_json }
  else held.push(delta)
}
