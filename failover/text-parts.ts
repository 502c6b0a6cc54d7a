import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'

/** What a chunk adds to an answer, for whoever has to carry that on. */
export interface TextParts {
  /** Of its content. */
  readonly text: string
  /** It holds reasoning, in words. */
  readonly reasons: boolean
  /** It ends its choice. */
  readonly finishes: boolean
  /** There is nothing else in it that the model has produced, and no other choice. */
  readonly plain: boolean
}

/**
 * Looks at a parsed chunk, of any shape. Not plain are tool calls, refusals, audio, images, annotations, signatures, log
 * probabilities, and all that is not known today: whatever could not be cut in the middle, or would have to fit to what
 * another attempt says.
 */
export function textPartsOf ({ choices }: JsonObject): TextParts {
  const list: readonly unknown[] = Array.isArray(choices) ? choices : []
  const [choice] = list
  if (choice === undefined) return NOTHING
  if (list.length > 1 || !isJsonObject(choice) || (choice['index'] ?? 0) !== 0) return OTHER
  const { delta, logprobs, finish_reason: finishReason } = choice
  let text = ''
  let reasons = false
  let plain = logprobs == null
  for (const [field, value] of Object.entries(isJsonObject(delta) ? delta : {})) {
    if (field === 'role' || isEmpty(value)) continue
    if (field === 'content' && typeof value === 'string') text = value
    else if (REASONING.has(field) && typeof value === 'string') reasons = true
    else plain = false
  }
  return { text, reasons, finishes: typeof finishReason === 'string' && finishReason !== '', plain }
}

const REASONING: ReadonlySet<string> = new Set(['reasoning_content', 'reasoning'])
const NOTHING: TextParts = { text: '', reasons: false, finishes: false, plain: true }
const OTHER: TextParts = { text: '', reasons: false, finishes: false, plain: false }

function isEmpty (value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0)
}
