/** What the fake target answers in a soak: known to it and to the clients by a number alone, so that each frame can be checked. */

export interface AnswerPlan {
  readonly seed: number
  /** Texts in it. */
  readonly texts: number
  /** Time between two of them, in ms. */
  readonly gapMs: number
}

/** A number from 0 to 2^32 - 1 that looks like chance, and is the same each time. */
export function scrambled (seed: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Fragments of several alphabets, and what JSON escapes. */
const WORDS = [' token', ' über', ' 好的', ' 👍🏽', ' "quoted"', '\n', ' \\', ' of', ' the answer', ' naïveté']

/** The chunks of an answer, as JSON: a role, the texts, a finish reason. */
export function chunkOf ({ seed, texts }: AnswerPlan, n: number): string {
  const [delta, finish] = n === 0
    ? [{ role: 'assistant', content: '' }, null]
    : n <= texts
      ? [{ content: `${WORDS[scrambled(seed + n) % WORDS.length]} ${n}` }, null]
      : [{}, 'stop']
  return JSON.stringify({ id: `chatcmpl-${seed}`, object: 'chat.completion.chunk', created: 1_700_000_000, model: 'soak', choices: [{ index: 0, delta, finish_reason: finish }] })
}

/** How many chunks there are. */
export const chunksOf = ({ texts }: AnswerPlan): number => texts + 2

/** A frame as the gateway has to write it, numbered from 1; the last one is `[DONE]`. */
export function frameOf (plan: AnswerPlan, id: number): string {
  return `id: ${id}\ndata: ${id > chunksOf(plan) ? '[DONE]' : chunkOf(plan, id - 1)}\n\n`
}

/** How many frames there are. */
export const framesOf = (plan: AnswerPlan): number => chunksOf(plan) + 1
