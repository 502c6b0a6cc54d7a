import { ChatCompletion, ChatCompletionChunk } from '../schemas/chat-completion.ts'
import { ErrorBody } from '../schemas/error.ts'
import type { RouteDescription } from './description.ts'
import { resumable } from './resumable.ts'

const head = { id: 'chatcmpl-1', created: 1_764_000_000, model: 'gpt-4o-2024-08-06' }
const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }
const chunk = (delta: object, finishReason: string | null = null) =>
  JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finishReason }] })

/** `POST /v1/chat/completions` */
export const chatCompletions: RouteDescription = {
  ...resumable,
  requests: {
    smallest: { summary: 'The smallest request', value: { messages: [{ role: 'user', content: 'Hello!' }] } },
    stream: { summary: 'A stream, with its token counts', value: { model: 'auto', messages: [{ role: 'user', content: 'Hello!' }], stream: true, stream_options: { include_usage: true } } },
    image: {
      summary: 'An image',
      value: { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } }] }] }
    },
    tools: {
      summary: 'A tool',
      value: {
        messages: [{ role: 'user', content: 'How warm is it in Rome?' }],
        tools: [{ type: 'function', function: { name: 'temperature', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }],
        tool_choice: 'auto'
      }
    },
    schema: {
      summary: 'JSON that follows a schema',
      value: {
        messages: [{ role: 'user', content: 'Name a city.' }],
        response_format: { type: 'json_schema', json_schema: { name: 'city', strict: true, schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false } } }
      }
    }
  },
  answers: {
    'application/json': {
      schema: ChatCompletion,
      examples: {
        text: { summary: 'Text', value: { ...head, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there!' }, finish_reason: 'stop' }], usage } }
      }
    },
    'text/event-stream': {
      data: [ChatCompletionChunk, { const: '[DONE]', description: 'The end; not JSON.' }, ErrorBody],
      examples: {
        text: { summary: 'A stream that ended well', value: framesOf(chunk({ role: 'assistant', content: 'Hello' }), chunk({ content: ' there!' }), chunk({}, 'stop'), '[DONE]') },
        broken: {
          summary: 'A stream that broke',
          value: framesOf(chunk({ role: 'assistant', content: 'Hello' }), JSON.stringify({ error: { message: 'The provider failed.', type: 'server_error', code: 'all_targets_failed', param: null } }))
        }
      }
    }
  }
}

function framesOf (...data: readonly string[]): string {
  return data.map((text, index) => `id: ${index + 1}\ndata: ${text}\n\n`).join('')
}
