import { BedrockOptions } from '../schemas/provider-options.ts'
import { defineProvider } from './define-provider.ts'

/**
 * AWS Bedrock, by the Converse and ConverseStream operations; credentials by AWS's default chain.
 * Options: {@link BedrockOptions}. Request and answer are translated; see `bedrock/`.
 */
export default defineProvider('bedrock', BedrockOptions, async options => {
  // Heavy: only who configures Bedrock pays for the AWS SDK.
  const { BedrockProvider } = await import('./bedrock/provider.ts')
  return new BedrockProvider(options)
})
