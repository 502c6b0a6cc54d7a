/* eslint no-template-curly-in-string: off -- that is what the file's placeholders look like */
import t from 'tap'
import { parseGatewayConfigFile } from '../../config/file.ts'
import { fileComplaints as complaints } from '../support/configure.ts'

const OPENAI = { name: 'a', provider: 'openai', options: { apiKey: 'k', model: 'm' } }
const SECRET = 'hunter2'

const parse = (content: unknown, env: Record<string, string> = {}) => parseGatewayConfigFile(typeof content === 'string' ? content : JSON.stringify(content), env)

t.test('the example of the contract is taken as it stands, with its placeholder filled in', async t => {
  const file = {
    targets: [
      { name: 'azure-east', provider: 'azure-openai', options: { endpoint: 'https://east.example', deployment: 'gpt-4o', apiVersion: '2024-10-21', apiKey: '${AZURE_EAST_KEY}' } },
      { name: 'claude', provider: 'bedrock', options: { modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0', region: 'eu-west-1' } }
    ],
    models: { 'gpt-4o': { targets: ['azure-east', 'claude'], firstTokenTimeoutMs: 8000, midstreamFailover: 'continue' } },
    default: 'gpt-4o'
  }
  const parsed = parse(file, { AZURE_EAST_KEY: '$& $1 "quoted"' })
  t.same(parsed, { ...file, targets: [{ ...file.targets[0], options: { ...file.targets[0]?.options, apiKey: '$& $1 "quoted"' } }, file.targets[1]] })
})

t.test('placeholders stand anywhere in a string, several in one; what looks alike is left alone', async t => {
  const { targets } = parse({ targets: [{ name: 'a', provider: 'openai', options: { baseURL: 'https://${HOST_A}:${PORT_A}/v1', apiKey: '$HOST_A', model: '${1}${ }$${HOST_A}' } }] }, { HOST_A: 'x.example', PORT_A: '8443' })
  t.same(targets[0]?.options, { baseURL: 'https://x.example:8443/v1', apiKey: '$HOST_A', model: '${1}${ }$x.example' })
})

t.test('a filled-in value is not searched for placeholders again', async t => {
  t.match(parse({ targets: [{ ...OPENAI, options: { apiKey: '${A}', model: 'm' } }] }, { A: '${B}', B: SECRET }).targets[0]?.options, { apiKey: '${B}' })
})

t.test('placeholders without a value are all named, at their places', async t => {
  const file = { targets: [{ name: 'a', provider: 'openai', options: { apiKey: '${NO_KEY}', model: '${EMPTY}-${ALSO_NOT}' } }], models: { m: { targets: ['${NO_TARGET}'] } } }
  t.same(complaints(file, { EMPTY: '' }).slice(0, 4), [
    'targets[0].options.apiKey: ${NO_KEY} is not set',
    'targets[0].options.model: ${EMPTY} is not set',
    'targets[0].options.model: ${ALSO_NOT} is not set',
    'models.m.targets[0]: ${NO_TARGET} is not set'
  ])
})

t.test('a file that is not JSON, or JSON of another shape', async t => {
  t.same(complaints(`{"targets": [{"apiKey": "${SECRET}"`), ['the file is not JSON'])
  for (const content of ['[]', 'null', '"x"', '5']) t.same(complaints(content), ['the file: must be object'])
  t.same(complaints({}), ['targets: must be array'])
  t.same(complaints({ targets: [] }), ['targets: must not have fewer than 1 items'])
})

t.test('a target is held against its own provider\'s options', async t => {
  const missing: Record<string, string> = {
    'azure-apim': 'endpoint, deployment, apiVersion, apiKey',
    'azure-openai': 'endpoint, deployment, apiVersion, apiKey',
    openai: 'model',
    gemini: 'apiKey, model',
    bedrock: 'modelId, region'
  }
  for (const [provider, names] of Object.entries(missing)) {
    t.same(complaints({ targets: [{ name: 'a', provider, options: {} }] }), [`targets[0].options: must have required properties ${names}`])
    t.ok(complaints({ targets: [{ name: 'a', provider, options: { secret: SECRET } }] }).includes('targets[0].options.secret: is not a known field'))
  }
  t.same(complaints({ targets: [{ ...OPENAI, provider: SECRET }, 5, { ...OPENAI, name: 'no spaces' }] }), [
    'targets[0].provider: is none of azure-apim, azure-openai, openai, gemini, bedrock',
    'targets[1].provider: is none of azure-apim, azure-openai, openai, gemini, bedrock',
    'targets[2].name: must match pattern "^[A-Za-z0-9][A-Za-z0-9._-]*$"'
  ])
})

t.test('names that refer to nothing, stand twice or mean something else', async t => {
  const file = {
    targets: [OPENAI, { ...OPENAI, name: 'b' }, OPENAI],
    models: { auto: { targets: ['a'] }, '': { targets: ['a'] }, m: { targets: ['a', '${KEY}', 'b', 'a'] } },
    default: '${KEY}'
  }
  t.same(complaints(file, { KEY: SECRET }), [
    'targets[2].name: another target has this name',
    'models.auto: "auto" means the default and cannot be an alias',
    'models: an alias is empty',
    'models.m.targets[1]: there is no such target',
    'models.m.targets[3]: stands there twice',
    'default: there is no such model or target'
  ])
  t.same(complaints({ targets: [OPENAI], default: 'a' }), [], 'a target can be the default')
})

t.test('a target may name a plugin in place of a provider; its options are the plugin\'s own business', async t => {
  const target = { name: 'local', plugin: './ollama.ts', options: { baseURL: '${URL_OF_IT}', deep: { any: [1] } } }
  t.same(parse({ targets: [target] }, { URL_OF_IT: 'http://x' }).targets, [{ ...target, options: { baseURL: 'http://x', deep: { any: [1] } } }])
  t.same(complaints({ targets: [{ name: 'a', plugin: '' }, { name: 'b', plugin: 'x', provider: 'openai' }, { name: 'a', plugin: 'x', options: [] }] }), [
    'targets[0].plugin: must not have fewer than 1 characters',
    'targets[1].provider: is not a known field',
    'targets[2].options: must be object'
  ])
  t.same(complaints({ targets: [{ name: 'a', plugin: 'x' }, { name: 'a', plugin: 'x' }] }), ['targets[1].name: another target has this name'])
})
