import { AzureOptions } from '../schemas/provider-options.ts'
import { ChatCompletionsProvider, pathStep, shapedHeaders } from './chat-completions/provider.ts'
import { defineProvider } from './define-provider.ts'

/** Stands for the deployment in the URL that the SDK is asked for once. */
const PLACEHOLDER = 'deployment-placeholder'

/**
 * A deployment of Azure OpenAI. Options: `schemas/provider-options`. The official SDK shapes URL, authentication and
 * headers.
 * @see https://learn.microsoft.com/azure/ai-services/openai/reference
 */
export default defineProvider('azure-openai', AzureOptions, async ({ endpoint, deployment, apiVersion, apiKey }) => {
  const { AzureOpenAI } = await import('openai')
  // Not by `endpoint`: the SDK refuses that one where OPENAI_BASE_URL, which is another target's, is in the process's environment.
  const baseURL = `${endpoint.replace(/\/+$/, '')}/openai`
  const client = new AzureOpenAI({ apiKey, baseURL, apiVersion, organization: null, project: null, maxRetries: 0 })
  const { url, req } = await client.buildRequest({ method: 'post', path: '/chat/completions', body: { model: PLACEHOLDER } })
  const { pathname, search } = new URL(url)
  return new ChatCompletionsProvider({
    kind: 'azure-openai',
    model: deployment,
    secrets: [apiKey],
    strict: true,
    endpoint: {
      baseURL: url,
      headers: shapedHeaders(req.headers),
      path: model => pathname.replace(PLACEHOLDER, () => pathStep(model)) + search
    }
  })
})
