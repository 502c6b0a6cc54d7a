import { readFile } from 'node:fs/promises'
import t from 'tap'
import { Environment } from '../../schemas/environment.ts'

/** The table of the contract, and what was added since. */
const CONTRACT = [
  'HOST', 'PORT', 'WORKERS', 'LOG_LEVEL', 'DATABASE_URL', 'DATA_DIR', 'PROVIDERS',
  'AZURE_APIM_ENDPOINT', 'AZURE_APIM_DEPLOYMENT', 'AZURE_APIM_API_VERSION', 'AZURE_APIM_KEY',
  'AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_DEPLOYMENT', 'AZURE_OPENAI_API_VERSION', 'AZURE_OPENAI_API_KEY',
  'OPENAI_BASE_URL', 'OPENAI_API_KEY', 'OPENAI_MODEL', 'GEMINI_BASE_URL', 'GEMINI_API_KEY', 'GEMINI_MODEL',
  'BEDROCK_MODEL_ID', 'AWS_REGION', 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME', 'GATEWAY_CONFIG', 'STREAM_QUEUE_CAPACITY',
  'FIRST_TOKEN_TIMEOUT_MS', 'IDLE_TIMEOUT_MS', 'REQUEST_TIMEOUT_MS', 'MIDSTREAM_FAILOVER', 'RESUME_TTL_MS',
  'GATEWAY_API_KEYS', 'ADMIN_API_KEYS', 'SHUTDOWN_GRACE_MS',
  'STREAM_LOG_KEY', 'KEEP_ALIVE_TIMEOUT_MS', 'SLOW_CLIENT_TIMEOUT_MS', 'MAX_COMPLETIONS', 'MAX_WAITING', 'MAX_WAIT_MS', 'MAX_EVENT_LOOP_DELAY_MS',
  'OTEL_SDK_DISABLED', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES', 'OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'
].sort()

t.test('the schema has the contract\'s variables, no more and no less', async t => {
  t.same(Object.keys(Environment.properties).sort(), CONTRACT)
})

t.test('.env.example lists each of them once', async t => {
  const text = await readFile(new URL('../../.env.example', import.meta.url), 'utf8').catch(() => undefined)
  if (text === undefined) {
    t.fail('there is no .env.example at the top level')
    return
  }
  // Set, or commented out to show a default.
  const listed = [...text.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]+)=/gm)].map(match => match[1])
  t.same(listed.sort(), CONTRACT)
})
