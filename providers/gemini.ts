import { missingAmong } from '../errors/missing-package.ts'
import { GeminiOptions } from '../schemas/provider-options.ts'
import { defineProvider } from './define-provider.ts'

/**
 * Google's Gemini API. Options: {@link GeminiOptions}; the base URL's default is Google's.
 * The plugin throws a MissingPackageError where Google's SDK is not installed.
 */
export default defineProvider('gemini', GeminiOptions, async ({ baseURL = 'https://generativelanguage.googleapis.com', apiKey, model, continuation }) => {
  const { GeminiProvider } = await loadProvider()
  return new GeminiProvider({ baseURL, apiKey, model, modelTurn: continuation === 'model_turn' })
})

async function loadProvider () {
  try {
    return await import('./gemini/provider.ts')
  } catch (error) {
    throw missingAmong(['@google/generative-ai'], 'The provider gemini', error)
  }
}
