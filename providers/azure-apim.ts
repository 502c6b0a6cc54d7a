import { AzureOptions } from '../schemas/provider-options.ts'
import { ChatCompletionsProvider } from './chat-completions/provider.ts'
import { defineProvider } from './define-provider.ts'

/**
 * Azure OpenAI behind Azure API Management: `POST {endpoint}/deployments/{deployment}/chat/completions`, with the
 * subscription key in `api-key`. No SDK knows this URL, so it is built here. Options: `schemas/provider-options`.
 * @see https://learn.microsoft.com/azure/api-management/azure-ai-foundry-api
 */
export default defineProvider('azure-apim', AzureOptions, ({ endpoint, deployment, apiVersion, apiKey }) => {
  const base = endpoint.replace(/\/+$/, '')
  const headers = { accept: 'application/json', 'content-type': 'application/json', 'api-key': apiKey }
  return ChatCompletionsProvider.create({
    kind: 'azure-apim',
    model: deployment,
    secrets: [apiKey],
    endpoint: async model => ({
      url: `${base}/deployments/${encodeURIComponent(model)}/chat/completions?api-version=${encodeURIComponent(apiVersion)}`,
      headers: Object.entries(headers)
    })
  })
})
