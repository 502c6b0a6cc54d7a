import type OpenAI from 'openai'
import t from 'tap'
import type { ChatCompletion, ChatCompletionChunk, CompletionMessage, Delta, ToolCallDelta, Usage } from '../../schemas/chat-completion.ts'

type TheirChunk = OpenAI.Chat.ChatCompletionChunk
type TheirChoice = TheirChunk['choices'][number]
/** Left to whoever answers: here more words are known, or nothing is said where OpenAI says null. */
type Free = 'service_tier' | 'system_fingerprint' | 'metadata' | 'moderation' | 'usage' | 'choices'

/** Each compiles as long as the one is the other: they do nothing. */
const same = {
  answers: (theirs: OpenAI.Chat.ChatCompletion): ChatCompletion => theirs,
  messages: (theirs: OpenAI.Chat.ChatCompletionMessage): Omit<CompletionMessage, 'refusal'> => theirs,
  chunks: (theirs: Omit<TheirChunk, 'choices'>): Omit<ChatCompletionChunk, 'choices'> => theirs,
  deltas: (theirs: Omit<TheirChoice['delta'], 'role'>): Delta => theirs,
  usage: (theirs: OpenAI.CompletionUsage): Usage => theirs
}
const readable = {
  answer: (ours: Omit<ChatCompletion, Free>): Omit<OpenAI.Chat.ChatCompletion, Free> => ours,
  message: (ours: CompletionMessage): Omit<OpenAI.Chat.ChatCompletionMessage, 'refusal' | 'annotations'> => ours,
  chunk: (ours: Omit<ChatCompletionChunk, Free>): Omit<TheirChunk, Free> => ours,
  delta: (ours: Delta): TheirChoice['delta'] => ours,
  call: (ours: ToolCallDelta): NonNullable<TheirChoice['delta']['tool_calls']>[number] => ours,
  finish: (ours: ChatCompletionChunk['choices'][number]['finish_reason']): TheirChoice['finish_reason'] => ours,
  usage: (ours: Usage): OpenAI.CompletionUsage => ours
}

t.test('answers have the types of OpenAI\'s client, and the other way round', async t => {
  const usage: Usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, completion_tokens_details: { reasoning_tokens: 1 } }
  t.equal(readable.usage(same.usage(usage)), usage)
  const delta: Delta = { role: 'assistant', content: 'Hi', reasoning_content: 'Hm' }
  t.equal(readable.delta(delta), delta)
})
