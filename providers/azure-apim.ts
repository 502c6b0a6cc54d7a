import { AzureOptions } from '../schemas/provider-options.ts'
import { ChatCompletionsProvider, pathStep } from './chat-completions/provider.ts'
import { defineProvider } from './define-provider.ts'

/**
 * Azure OpenAI behind Azure API Management: `POST {endpoint}/deployments/{deployment}/chat/completions`, with the
 * subscription key in `api-key`. No SDK knows this URL, so it is built here. Options: `schemas/provider-options`.
 * @see https://learn.microsoft.com/azure/api-management/azure-ai-foundry-api
 */
export default defineProvider('azure-apim', AzureOptions, async ({ endpoint, deployment, apiVersion, apiKey }) => {
  const root = new URL(endpoint).pathname.replace(/\/+$/, '')
  const query = `api-version=${encodeURIComponent(apiVersion)}`
  return new ChatCompletionsProvider({
    kind: 'azure-apim',
    model: deployment,
    secrets: [apiKey],
    strict: true,
    endpoint: {
      baseURL: endpoint,
      headers: { accept: 'application/json', 'content-type': 'application/json', 'api-key': apiKey },
      path: model => `${root}/deployments/${pathStep(model)}/chat/completions?${query}`
    }
  })
})
