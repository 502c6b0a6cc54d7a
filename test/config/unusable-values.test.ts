/* eslint no-template-curly-in-string: off -- that is what the file's placeholders look like */
import t from 'tap'
import { complaints as complaintsOf, fileComplaints as complaints, ONE_TARGET } from '../support/configure.ts'

const OPENAI = { name: 'a', provider: 'openai', options: { apiKey: 'k', model: 'm' } }
const SECRET = 'hunter2'
const APIM = { AZURE_APIM_ENDPOINT: 'https://apim.example/openai', AZURE_APIM_DEPLOYMENT: 'd1', AZURE_APIM_API_VERSION: '2024-10-21', AZURE_APIM_KEY: 'hunter2-apim' }
const AZURE = { AZURE_OPENAI_ENDPOINT: 'https://azure.example', AZURE_OPENAI_DEPLOYMENT: 'd2', AZURE_OPENAI_API_VERSION: '2024-10-21', AZURE_OPENAI_API_KEY: 'hunter2-azure' }
const GEMINI = { GEMINI_API_KEY: 'hunter2-gemini', GEMINI_MODEL: 'gemini-2.5-flash' }
const BEDROCK = { BEDROCK_MODEL_ID: 'anthropic.claude', AWS_REGION: 'eu-west-1' }
const EVERY = { ...BEDROCK, ...GEMINI, ...ONE_TARGET, ...AZURE, ...APIM }

// These passed the check and failed later, in an SDK: with a stack instead of a line, and with the value in it.
t.test('a URL that looks like one and is none stops the start by its variable, not by a stack', async t => {
  const url = 'http://hunter2:99999999/'
  t.same(await complaintsOf({ ...EVERY, AZURE_APIM_ENDPOINT: url, AZURE_OPENAI_ENDPOINT: url, OPENAI_BASE_URL: url, GEMINI_BASE_URL: url, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url }), [
    'AZURE_APIM_ENDPOINT: must be an http(s) URL',
    'AZURE_OPENAI_ENDPOINT: must be an http(s) URL',
    'OPENAI_BASE_URL: must be an http(s) URL',
    'GEMINI_BASE_URL: must be an http(s) URL',
    'AWS_ENDPOINT_URL_BEDROCK_RUNTIME: must be an http(s) URL'
  ])
})

t.test('OpenAI\'s own server needs a key, and a base URL has to be one', async t => {
  const options = (options: Record<string, string>) => ({ targets: [{ name: 'a', provider: 'openai', options: { model: 'm', ...options } }] })
  t.same(complaints(options({})), ['targets[0].options.apiKey: is required without a baseURL'])
  t.same(complaints(options({ baseURL: `http://${SECRET}:99999999` })), ['targets[0].options.baseURL: must be an http(s) URL'])
  t.same(complaints(options({ baseURL: 'http://localhost:8000/v1' })), [])
})

t.test('a key that no header can hold is refused here, before an SDK quotes it', async t => {
  for (const apiKey of [`${SECRET}\u2013x`, `${SECRET}\nx`, ' ']) {
    t.match(complaints({ targets: [{ ...OPENAI, options: { apiKey: '${KEY}', model: 'm' } }] }, { KEY: apiKey }), [/^targets\[0\]\.options\.apiKey: must match/])
  }
})
