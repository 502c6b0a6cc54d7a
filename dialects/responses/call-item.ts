import type { JsonObject } from '../../schemas/json-object.ts'
import type { CustomToolCallItem, FunctionCallItem, ItemStatus } from '../../schemas/responses-output.ts'
import type { Emit, Place } from './message-item.ts'

/** What a call is known by, as soon as its name is there. */
export interface CallIdentity {
  readonly callId: string
  readonly name: string
  readonly custom: boolean
}

/** A call of a tool. It stays open until the answer ends, since pieces of several calls may come in any order. */
export class CallItem {
  readonly item: FunctionCallItem | CustomToolCallItem
  readonly #place: Place
  readonly #emit: Emit

  constructor (id: string, index: number, emit: Emit, { callId, name, custom }: CallIdentity) {
    const identity = { id, call_id: callId, status: 'in_progress' as const, name }
    this.item = custom ? { type: 'custom_tool_call', ...identity, input: '' } : { type: 'function_call', ...identity, arguments: '' }
    this.#place = { item_id: id, output_index: index }
    this.#emit = emit
    emit({ type: 'response.output_item.added', output_index: index, item: this.item })
  }

  add (delta: string, extra: JsonObject | undefined): void {
    const { item } = this
    if (extra !== undefined) item.extra_content = { ...item.extra_content, ...extra }
    if (delta === '') return
    if (item.type === 'function_call') {
      item.arguments += delta
      this.#emit({ type: 'response.function_call_arguments.delta', ...this.#place, delta })
    } else {
      item.input += delta
      this.#emit({ type: 'response.custom_tool_call_input.delta', ...this.#place, delta })
    }
  }

  end (status: ItemStatus): void {
    const { item } = this
    this.#emit(item.type === 'function_call'
      ? { type: 'response.function_call_arguments.done', ...this.#place, arguments: item.arguments }
      : { type: 'response.custom_tool_call_input.done', ...this.#place, input: item.input })
    item.status = status
    this.#emit({ type: 'response.output_item.done', output_index: this.#place.output_index, item })
  }
}
