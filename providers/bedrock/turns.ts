import type { ContentBlock } from '@aws-sdk/client-bedrock-runtime'

/** What the user says where Converse wants the user to say something, and the conversation has nothing. */
export const OPENING = '.'

/** One turn. */
export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: ContentBlock[]
}

/**
 * The turns of a conversation, as Converse wants them: user and assistant in turn, the user first, in each turn something,
 * the results of tools before anything else, and beside a document some text.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
 */
export class Turns {
  readonly #turns: Turn[] = []

  /** Whose turn it is; undefined before the first. */
  get role (): Turn['role'] | undefined { return this.#turns.at(-1)?.role }

  /** Adds to the turn, or begins the other's. Nothing begins nothing. */
  add (role: Turn['role'], blocks: readonly ContentBlock[]): void {
    const last = this.#turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else if (blocks.length > 0) this.#turns.push({ role, content: [...blocks] })
  }

  /** @param userIsLast whether the last message is of the user's side, blank as it may be: it is not for the assistant to go on */
  finished (userIsLast: boolean): Turn[] {
    const opening: Turn = { role: 'user', content: [{ text: OPENING }] }
    if (this.#turns[0]?.role !== 'user') this.#turns.unshift(opening)
    if (userIsLast && this.role === 'assistant') this.#turns.push(opening)
    return this.#turns.map(({ role, content }) => ({ role, content: withText(resultsFirst(content)) }))
  }
}

function resultsFirst (content: readonly ContentBlock[]): ContentBlock[] {
  const results = content.filter(({ toolResult }) => toolResult !== undefined)
  return results.length === 0 ? [...content] : [...results, ...content.filter(({ toolResult }) => toolResult === undefined)]
}

function withText (content: ContentBlock[]): ContentBlock[] {
  const needed = content.some(({ document }) => document !== undefined) && !content.some(({ text }) => text !== undefined)
  return needed ? [...content, { text: OPENING }] : content
}
