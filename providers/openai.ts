import { OpenAIOptions } from '../schemas/provider-options.ts'
import { ChatCompletionsProvider, shapedHeaders } from './chat-completions/provider.ts'
import { defineProvider, ProviderOptionsError } from './define-provider.ts'

const DEFAULT_BASE_URL = 'https://api.openai.com/v1'
/** The SDK insists on a key; servers that want none ignore it. */
const NO_KEY = 'none'
/** OpenAI itself, in any of its regions, and Azure's endpoint of the same kind: servers that refuse fields which they do not know. */
const STRICT_HOST = /(?:^|\.)(?:api\.openai\.com|openai\.azure\.com)$/

/**
 * OpenAI, and every server that speaks its API (vLLM, Ollama, llama.cpp …) by its base URL. Options:
 * `schemas/provider-options`. The official SDK shapes URL, authentication and headers.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export default defineProvider('openai', OpenAIOptions, async ({ baseURL, apiKey = NO_KEY, model, continuation }) => {
  if (apiKey === NO_KEY && baseURL === undefined) throw new ProviderOptionsError('provider openai: apiKey is required without a baseURL')
  const { OpenAI } = await import('openai')
  // Organization and project are named, or the SDK would look for them in the process's environment.
  const client = new OpenAI({ apiKey, baseURL: baseURL ?? DEFAULT_BASE_URL, organization: null, project: null, maxRetries: 0 })
  const { url, req } = await client.buildRequest({ method: 'post', path: '/chat/completions', body: {} })
  const { hostname, pathname, search } = new URL(url)
  return new ChatCompletionsProvider({
    kind: 'openai',
    model,
    secrets: apiKey === NO_KEY ? [] : [apiKey],
    continuation,
    strict: STRICT_HOST.test(hostname),
    endpoint: { baseURL: url, headers: shapedHeaders(req.headers), path: () => pathname + search }
  })
})
