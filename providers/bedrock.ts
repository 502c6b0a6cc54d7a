import { missingAmong } from '../errors/missing-package.ts'
import { BedrockOptions } from '../schemas/provider-options.ts'
import { defineProvider } from './define-provider.ts'

const PACKAGES = ['@aws-sdk/client-bedrock-runtime', '@smithy/node-http-handler']

/**
 * AWS Bedrock, by the Converse and ConverseStream operations; credentials by AWS's default chain.
 * Options: {@link BedrockOptions}. Request and answer are translated; see `bedrock/`.
 * The plugin throws a MissingPackageError where the AWS SDK is not installed.
 */
export default defineProvider('bedrock', BedrockOptions, async options => {
  const { BedrockProvider } = await loadProvider()
  return new BedrockProvider(options)
})

/** Heavy: only who configures Bedrock pays for the AWS SDK. */
async function loadProvider () {
  try {
    return await import('./bedrock/provider.ts')
  } catch (error) {
    throw missingAmong(PACKAGES, 'The provider bedrock', error)
  }
}
