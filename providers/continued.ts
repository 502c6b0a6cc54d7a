import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { AssistantMessage } from '../schemas/messages.ts'
import type { StreamCall } from './provider.ts'

/** A request whose last message is what the assistant has said already, where there is such; otherwise the very same. */
export function continued (request: ChatCompletionRequest, continuation: StreamCall['continuation'], fields: Readonly<Record<string, unknown>> = {}): ChatCompletionRequest {
  if (continuation === undefined) return request
  const begun: AssistantMessage = { role: 'assistant', content: continuation.text, ...fields }
  return { ...request, messages: [...request.messages, begun] }
}
