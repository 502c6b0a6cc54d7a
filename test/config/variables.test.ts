import t from 'tap'
import { complaints, configure, ONE_TARGET } from '../support/configure.ts'

const APIM = { AZURE_APIM_ENDPOINT: 'https://apim.example/openai', AZURE_APIM_DEPLOYMENT: 'd1', AZURE_APIM_API_VERSION: '2024-10-21', AZURE_APIM_KEY: 'hunter2-apim' }
const AZURE = { AZURE_OPENAI_ENDPOINT: 'https://azure.example', AZURE_OPENAI_DEPLOYMENT: 'd2', AZURE_OPENAI_API_VERSION: '2024-10-21', AZURE_OPENAI_API_KEY: 'hunter2-azure' }
const GEMINI = { GEMINI_API_KEY: 'hunter2-gemini', GEMINI_MODEL: 'gemini-2.5-flash' }
const BEDROCK = { BEDROCK_MODEL_ID: 'anthropic.claude', AWS_REGION: 'eu-west-1' }
const EVERY = { ...BEDROCK, ...GEMINI, ...ONE_TARGET, ...AZURE, ...APIM }

const namesOf = async (env: Record<string, string>) => (await configure(env)).targets.map(({ name }) => name)

t.test('each provider\'s variables make a target with that provider\'s options', async t => {
  const { targets } = await configure({ ...EVERY, GEMINI_BASE_URL: 'http://gemini.example', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://bedrock.example' })
  t.same(targets, [
    { name: 'azure-apim', provider: 'azure-apim', options: { endpoint: 'https://apim.example/openai', deployment: 'd1', apiVersion: '2024-10-21', apiKey: 'hunter2-apim' } },
    { name: 'azure-openai', provider: 'azure-openai', options: { endpoint: 'https://azure.example', deployment: 'd2', apiVersion: '2024-10-21', apiKey: 'hunter2-azure' } },
    { name: 'openai', provider: 'openai', options: { apiKey: 'hunter2-openai', model: 'gpt-4o' } },
    { name: 'gemini', provider: 'gemini', options: { baseURL: 'http://gemini.example', apiKey: 'hunter2-gemini', model: 'gemini-2.5-flash' } },
    { name: 'bedrock', provider: 'bedrock', options: { modelId: 'anthropic.claude', region: 'eu-west-1', endpoint: 'http://bedrock.example' } }
  ])
})

t.test('without PROVIDERS every configured one is tried, in the order of the contract', async t => {
  t.same(await namesOf(EVERY), ['azure-apim', 'azure-openai', 'openai', 'gemini', 'bedrock'])
  t.same(await namesOf({ ...BEDROCK, ...AZURE }), ['azure-openai', 'bedrock'])
})

t.test('PROVIDERS gives the order, and leaves the others out', async t => {
  t.same(await namesOf({ ...EVERY, PROVIDERS: 'bedrock, azure-apim' }), ['bedrock', 'azure-apim'])
  t.same(await namesOf({ ...EVERY, PROVIDERS: ' gemini ,, openai , ' }), ['gemini', 'openai'])
})

t.test('PROVIDERS with an unknown, a repeated and an unconfigured name', async t => {
  t.same(await complaints({ ...ONE_TARGET, PROVIDERS: 'openai, nobody, openai, gemini' }), [
    'PROVIDERS: name 2 is none of azure-apim, azure-openai, openai, gemini, bedrock',
    'PROVIDERS: "openai" stands there twice',
    'GEMINI_API_KEY: is missing; the gemini target needs it',
    'GEMINI_MODEL: is missing; the gemini target needs it'
  ])
})

t.test('a target that is half configured names what is missing', async t => {
  t.same(await complaints({ AZURE_APIM_KEY: 'k', AZURE_OPENAI_ENDPOINT: 'https://x', OPENAI_API_KEY: 'k', GEMINI_MODEL: 'm', BEDROCK_MODEL_ID: 'm' }), [
    'AZURE_APIM_ENDPOINT: is missing; the azure-apim target needs it',
    'AZURE_APIM_DEPLOYMENT: is missing; the azure-apim target needs it',
    'AZURE_APIM_API_VERSION: is missing; the azure-apim target needs it',
    'AZURE_OPENAI_DEPLOYMENT: is missing; the azure-openai target needs it',
    'AZURE_OPENAI_API_VERSION: is missing; the azure-openai target needs it',
    'AZURE_OPENAI_API_KEY: is missing; the azure-openai target needs it',
    'OPENAI_MODEL: is missing; the openai target needs it',
    'GEMINI_API_KEY: is missing; the gemini target needs it',
    'AWS_REGION: is missing; the bedrock target needs it'
  ])
})

t.test('a server with a base URL of its own needs no key; OpenAI does', async t => {
  const { targets } = await configure({ OPENAI_BASE_URL: 'http://localhost:11434/v1', OPENAI_MODEL: 'llama3' })
  t.same(targets[0]?.options, { baseURL: 'http://localhost:11434/v1', model: 'llama3' })
  t.same(await complaints({ OPENAI_MODEL: 'gpt-4o' }), ['OPENAI_API_KEY: is missing; the openai target needs it'])
})

t.test('AWS_REGION alone, which many machines have, configures nothing', async t => {
  t.same(await namesOf({ ...ONE_TARGET, AWS_REGION: 'eu-west-1' }), ['openai'])
})

t.test('nothing configured: the lines say what to set, every required variable by name', async t => {
  for (const env of [{}, { AWS_REGION: 'eu-west-1' }, { ...ONE_TARGET, PROVIDERS: ' , ' }]) {
    const lines = await complaints(env)
    t.match(lines[0], /^No provider is configured/)
    for (const name of [...Object.keys(EVERY), 'GATEWAY_CONFIG', '.env.example']) t.ok(lines.join('\n').includes(name), name)
  }
})
