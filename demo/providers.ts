import { LLMock } from '@copilotkit/aimock'

/** A mock of one provider's server. */
export interface MockedProvider {
  readonly target: string
  /** POST `{"dropRate": 1}` here and it answers every request with 500; `{}` mends it. */
  readonly breakUrl: string
}

/** Mocks of all providers' servers, and the variables that point the gateway at them. */
export interface MockedProviders {
  /** In failover order. */
  readonly list: readonly MockedProvider[]
  readonly env: Readonly<Record<string, string>>
  stop (): Promise<void>
}

/** Milliseconds between two chunks: slow enough to watch. */
const CHUNK_MS = 60
const CHUNK_CHARACTERS = 8

/** Starts a mock for each kind of target, on free ports of 127.0.0.1. */
export async function startProviders (): Promise<MockedProviders> {
  const [apim, azure, openai, gemini, bedrock] = await Promise.all([
    startMock('Azure OpenAI, behind API Management'), startMock('Azure OpenAI'), startMock('OpenAI'), startMock('Google Gemini'), startMock('AWS Bedrock')
  ])
  const list = [['azure-apim', apim], ['azure-openai', azure], ['openai', openai], ['gemini', gemini], ['bedrock', bedrock]] as const
  return {
    list: list.map(([target, mock]) => ({ target, breakUrl: `${mock.url}/__aimock/chaos` })),
    env: {
      AZURE_APIM_ENDPOINT: `${apim.url}/openai`,
      AZURE_APIM_DEPLOYMENT: 'gpt-4o',
      AZURE_APIM_API_VERSION: '2024-10-21',
      AZURE_APIM_KEY: 'demo',
      AZURE_OPENAI_ENDPOINT: azure.url,
      AZURE_OPENAI_DEPLOYMENT: 'gpt-4o',
      AZURE_OPENAI_API_VERSION: '2024-10-21',
      AZURE_OPENAI_API_KEY: 'demo',
      OPENAI_BASE_URL: `${openai.url}/v1`,
      OPENAI_API_KEY: 'demo',
      OPENAI_MODEL: 'gpt-4o',
      GEMINI_BASE_URL: gemini.url,
      GEMINI_API_KEY: 'demo',
      GEMINI_MODEL: 'gemini-2.5-flash',
      BEDROCK_MODEL_ID: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url
    },
    stop: async () => { await Promise.all(list.map(([, mock]) => mock.stop())) }
  }
}

async function startMock (name: string): Promise<LLMock> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' })
  mock.onMessage(/[^]*/, { content: `Hello from the mock of ${name}. Every word of this sentence arrives by itself, as it is produced.` }, { chunkSize: CHUNK_CHARACTERS, latency: CHUNK_MS })
  await mock.start()
  return mock
}
