import { GeminiOptions } from '../schemas/provider-options.ts'
import { defineProvider } from './define-provider.ts'
import { GeminiProvider } from './gemini/provider.ts'

/** Google's Gemini API. Options: {@link GeminiOptions}; the base URL's default is Google's. */
export default defineProvider('gemini', GeminiOptions, async ({ baseURL = 'https://generativelanguage.googleapis.com', apiKey, model, continuation }) => {
  return new GeminiProvider({ baseURL, apiKey, model, modelTurn: continuation === 'model_turn' })
})
