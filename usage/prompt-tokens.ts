import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { Content, Message } from '../schemas/messages.ts'
import { textTokens } from './text-tokens.ts'

/**
 * What surrounds a message, and begins the answer, in tokens, as OpenAI's models have it.
 * @see https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
 */
const PER_MESSAGE = 4
const ANSWER_BEGINS = 3

/**
 * What a part costs that is no text, in tokens. Nothing is decoded, so an image is one of 1024 × 1024 to GPT-4o, audio half
 * a minute, a file one page.
 * @see https://platform.openai.com/docs/guides/images-vision#calculating-costs
 */
const IMAGE = 765
const IMAGE_OF_LOW_DETAIL = 85
const AUDIO = 300
const FILE = 1500

/**
 * About how many tokens a request's prompt has: messages, tools and the schema of the answer. Reasoning that is sent back
 * is left out, as most models drop it, and so is what a provider adds of its own.
 */
export function promptTokens (request: ChatCompletionRequest): number {
  const texts: string[] = []
  let tokens = ANSWER_BEGINS
  for (const message of request.messages) tokens += PER_MESSAGE + messageTokens(message, texts)
  for (const tool of request.tools ?? []) texts.push(JSON.stringify(tool))
  if (request.response_format?.type === 'json_schema') texts.push(JSON.stringify(request.response_format))
  return tokens + Math.ceil(textTokens(texts))
}

/** Notes a message's texts; gives what else is in it, in tokens. */
function messageTokens (message: Message, texts: string[]): number {
  if ('name' in message && typeof message.name === 'string') texts.push(message.name)
  const tokens = contentTokens(message.content, texts)
  if (message.role !== 'assistant') return tokens
  if (typeof message.refusal === 'string') texts.push(message.refusal)
  if (message.function_call != null) texts.push(message.function_call.name, message.function_call.arguments)
  for (const call of message.tool_calls ?? []) {
    if (call.type === 'function') texts.push(call.function.name, call.function.arguments)
    else if (call.type === 'custom') texts.push(call.custom.name, call.custom.input)
  }
  return tokens
}

function contentTokens (content: Content | null | undefined, texts: string[]): number {
  if (content == null) return 0
  if (typeof content === 'string') {
    texts.push(content)
    return 0
  }
  let tokens = 0
  for (const part of content) {
    switch (part.type) {
      case 'text':
        texts.push(part.text)
        break
      case 'refusal':
        texts.push(part.refusal)
        break
      case 'image_url':
        tokens += part.image_url.detail === 'low' ? IMAGE_OF_LOW_DETAIL : IMAGE
        break
      case 'input_audio':
        tokens += AUDIO
        break
      default: // a file, or what only compatible servers know
        tokens += FILE
    }
  }
  return tokens
}
