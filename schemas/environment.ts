import { Type } from 'typebox'
import type { Static } from 'typebox'

/** The environment variables of the gateway. Those that belong to a target are checked together, in `config/`. */

const Text = (description: string) => Type.Optional(Type.String({ description }))
const Url = (description: string) => Type.Optional(Type.String({ pattern: '^https?://[^\\s]+$', description }))
/** It goes into a header: one that cannot would be quoted in the error of whoever builds the header. */
const Key = Type.Optional(Type.String({ pattern: '^\\s*[\\x21-\\x7e][\\x20-\\x7e]*\\s*$', description: 'a key of printable ASCII characters' }))
const Milliseconds = (value: number, description: string) => Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, default: value, description })
/** Comma-separated SHA-256 digests in hex. */
const Digests = (description: string) => Type.Optional(Type.String({ pattern: '^\\s*[0-9a-fA-F]{64}\\s*(,\\s*[0-9a-fA-F]{64}\\s*)*$', description }))

export const Environment = Type.Object({
  HOST: Type.String({ default: '0.0.0.0' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 3000 }),
  WORKERS: Type.Integer({ minimum: 1, maximum: 256, default: 1 }),
  LOG_LEVEL: Type.Union(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(level => Type.Literal(level)), { default: 'info' }),
  DATABASE_URL: Type.Optional(Type.String({ pattern: '^postgres(ql)?://[^\\s]+$', description: 'a postgres:// URL' })),
  DATA_DIR: Type.String({ default: '.data' }),
  PROVIDERS: Text('provider names, separated by commas'),
  AZURE_APIM_ENDPOINT: Url('an http(s) URL'),
  AZURE_APIM_DEPLOYMENT: Text('a deployment'),
  AZURE_APIM_API_VERSION: Text('a version'),
  AZURE_APIM_KEY: Key,
  AZURE_OPENAI_ENDPOINT: Url('an http(s) URL'),
  AZURE_OPENAI_DEPLOYMENT: Text('a deployment'),
  AZURE_OPENAI_API_VERSION: Text('a version'),
  AZURE_OPENAI_API_KEY: Key,
  OPENAI_BASE_URL: Url('an http(s) URL'),
  OPENAI_API_KEY: Key,
  OPENAI_MODEL: Text('a model'),
  GEMINI_BASE_URL: Url('an http(s) URL'),
  GEMINI_API_KEY: Key,
  GEMINI_MODEL: Text('a model'),
  BEDROCK_MODEL_ID: Text('a model id'),
  AWS_REGION: Text('a region'),
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: Url('an http(s) URL'),
  GATEWAY_CONFIG: Text('a path'),
  STREAM_QUEUE_CAPACITY: Type.Integer({ minimum: 1, maximum: 100_000, default: 100 }),
  FIRST_TOKEN_TIMEOUT_MS: Milliseconds(10_000, 'to the first real output'),
  IDLE_TIMEOUT_MS: Milliseconds(10_000, 'between outputs'),
  REQUEST_TIMEOUT_MS: Milliseconds(600_000, 'the whole request'),
  MIDSTREAM_FAILOVER: Type.Union([Type.Literal('off'), Type.Literal('continue')], { default: 'off' }),
  RESUME_TTL_MS: Milliseconds(60_000, 'how long a stream can be joined again'),
  STREAM_LOG_KEY: Type.Optional(Type.String({ pattern: '^\\s*[0-9a-fA-F]{64}\\s*(,\\s*[0-9a-fA-F]{64}\\s*)*$', description: 'keys of 32 bytes in hex, separated by commas' })),
  KEEP_ALIVE_TIMEOUT_MS: Milliseconds(72_000, 'how long an idle connection is kept'),
  SLOW_CLIENT_TIMEOUT_MS: Milliseconds(60_000, 'how long a client may take nothing of its stream'),
  MAX_COMPLETIONS: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 5_000, description: 'completions under way at once' }),
  MAX_WAITING: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 500, description: 'completions that wait for their turn' }),
  MAX_WAIT_MS: Milliseconds(5_000, 'how long one waits for its turn'),
  MAX_EVENT_LOOP_DELAY_MS: Type.Integer({ minimum: 0, maximum: 60_000, default: 1_000, description: 'ms; 0: no limit' }),
  GATEWAY_API_KEYS: Digests('SHA-256 hex digests, separated by commas'),
  ADMIN_API_KEYS: Digests('SHA-256 hex digests, separated by commas'),
  SHUTDOWN_GRACE_MS: Milliseconds(120_000, 'how long a drain lets streams finish'),
  OTEL_SDK_DISABLED: Type.Boolean({ default: false, description: 'true or false' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Url('an http(s) URL'),
  OTEL_EXPORTER_OTLP_HEADERS: Text('name=value pairs, separated by commas'),
  OTEL_SERVICE_NAME: Text('a name'),
  OTEL_RESOURCE_ATTRIBUTES: Text('name=value pairs, separated by commas'),
  OTEL_TRACES_SAMPLER: Type.Union(
    ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'].map(sampler => Type.Literal(sampler)),
    { default: 'parentbased_always_on' }
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({ minimum: 0, maximum: 1, default: 1 })
})
export type Environment = Static<typeof Environment>
