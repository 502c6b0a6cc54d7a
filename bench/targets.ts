import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { installLitellm, installPortkey, versionOf, versionOfProgram, versionOfPythonPackage } from './peers/install.ts'
import { haproxyConfig, litellmConfig, nginxConfig } from './peers/configuration.ts'
import type { Launch, Place, Target } from './target.ts'

/** What can be measured. A peer is added by adding its entry. */

const SERVER = fileURLToPath(new URL('../server.ts', import.meta.url))
const NGINX = '/usr/sbin/nginx'
const HAPROXY = '/usr/sbin/haproxy'
/** The callers' key; the gateway is told its digest. */
const KEY = `sk-${randomBytes(24).toString('hex')}`
const withKey = () => ({ authorization: `Bearer ${KEY}` })
const bare = (fake: string): string => fake

/** The process that the gateway's targets share: every provider configured, keys and database on, logs written. */
function launchGateway (place: Place): Launch {
  const { env, ...rest } = launchSmallGateway(place)
  const { upstream } = place
  return {
    ...rest,
    env: {
      ...env,
      OPENAI_API_KEY: 'none',
      GEMINI_BASE_URL: upstream,
      GEMINI_API_KEY: 'none',
      GEMINI_MODEL: 'fake',
      BEDROCK_MODEL_ID: 'fake',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: upstream,
      AWS_ACCESS_KEY_ID: 'none',
      AWS_SECRET_ACCESS_KEY: 'none'
    }
  }
}

/** The same with one provider. */
function launchSmallGateway ({ port, upstream, databaseUrl }: Place): Launch {
  return {
    command: [process.execPath, SERVER],
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'info',
      DATABASE_URL: databaseUrl,
      GATEWAY_API_KEYS: createHash('sha256').update(KEY).digest('hex'),
      STREAM_QUEUE_CAPACITY: '100',
      OPENAI_BASE_URL: `${upstream}/v1`,
      OPENAI_MODEL: 'fake'
    }
  }
}

const GATEWAY = {
  headers: withKey,
  numbered: true,
  readyPath: '/readyz',
  database: true,
  launch: launchGateway
} as const satisfies Partial<Target>

const pipe = (file: string) => ({ port, upstream }: Place): Launch => ({
  command: [process.execPath, fileURLToPath(new URL(`./peers/${file}`, import.meta.url))],
  env: { NODE_ENV: 'production', PORT: String(port), UPSTREAM: upstream }
})

const binary = (path: string) => (): string | undefined => existsSync(path) ? undefined : `${path} is not there`

export const TARGETS: readonly Target[] = [
  { name: 'direct', about: 'no proxy: the load generator asks the upstream', model: bare, extraEvents: 2 },
  { name: 'pipe-undici', about: 'bare pipe: node:http server, undici dispatch, bytes copied', model: bare, extraEvents: 2, launch: pipe('pipe-undici.ts') },
  { name: 'pipe-http', about: 'bare pipe: node:http server and client, bytes copied', model: bare, extraEvents: 2, launch: pipe('pipe-http.ts') },
  { ...GATEWAY, name: 'gateway', about: 'this gateway, OpenAI pass-through', model: fake => `openai/${fake}`, extraEvents: 2 },
  { ...GATEWAY, name: 'gateway-openai', about: 'this gateway with OpenAI alone configured', only: 'start', model: fake => `openai/${fake}`, launch: launchSmallGateway },
  // These two are the process of `gateway`, which starts as that does.
  { ...GATEWAY, name: 'gateway-gemini', only: 'load', about: 'this gateway, translating Gemini', model: fake => `gemini/${fake}`, extraEvents: 2 },
  // messageStart is a chunk of its own.
  { ...GATEWAY, name: 'gateway-bedrock', only: 'load', about: 'this gateway, translating Bedrock', model: fake => `bedrock/${fake}`, extraEvents: 3 },
  {
    name: 'portkey',
    about: 'Portkey AI gateway, OpenAI pass-through',
    model: bare,
    headers: upstream => ({ ...withKey(), 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` }),
    extraEvents: 2,
    install: installPortkey,
    versions: folder => ({ portkey: versionOf(folder, '@portkey-ai/gateway') }),
    launch: ({ port, installed }) => ({
      command: [process.execPath, `${installed}/node_modules/@portkey-ai/gateway/build/start-server.js`, '--headless', `--port=${port}`],
      env: { NODE_ENV: 'production' }
    })
  },
  {
    name: 'nginx',
    about: 'nginx, one worker',
    model: bare,
    extraEvents: 2,
    missing: binary(NGINX),
    versions: () => ({ nginx: versionOfProgram(NGINX) }),
    launch: place => ({ command: [NGINX, '-p', place.folder, '-c', `${place.folder}/nginx.conf`], files: { 'nginx.conf': nginxConfig(place) } })
  },
  {
    name: 'haproxy',
    about: 'haproxy, one thread',
    model: bare,
    extraEvents: 2,
    missing: binary(HAPROXY),
    versions: () => ({ haproxy: versionOfProgram(HAPROXY) }),
    launch: place => ({ command: [HAPROXY, '-db', '-f', `${place.folder}/haproxy.cfg`], files: { 'haproxy.cfg': haproxyConfig(place) } })
  },
  {
    name: 'litellm',
    about: 'LiteLLM proxy, one worker, no database',
    optional: true,
    model: bare,
    headers: withKey,
    readyPath: '/health/liveliness',
    install: installLitellm,
    versions: folder => ({ litellm: versionOfPythonPackage(folder, 'litellm') }),
    launch: place => ({
      command: [`${place.installed}/bin/litellm`, '--config', `${place.folder}/litellm.yaml`, '--host', '127.0.0.1', '--port', String(place.port)],
      env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_MODE: 'PRODUCTION', LITELLM_MASTER_KEY: KEY, NO_DOCS: 'True' },
      files: { 'litellm.yaml': litellmConfig(place) }
    })
  }
]

/** The target that all others are held against. */
export const BASE = 'pipe-undici'
