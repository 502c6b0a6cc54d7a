import t from 'tap'
import { complaints, configure, ONE_TARGET } from '../support/configure.ts'

const ENDPOINT = 'http://collector:4318'

t.test('without an endpoint, or switched off, there is no tracing', async t => {
  t.equal((await configure(ONE_TARGET)).tracing, undefined)
  t.equal((await configure({ ...ONE_TARGET, OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_HEADERS: 'a=1' })).tracing, undefined)
  t.equal((await configure({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'true' })).tracing, undefined)
  t.not((await configure({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'false' })).tracing, undefined)
})

t.test('the endpoint is the collector, below which traces have their path', async t => {
  for (const [endpoint, url] of [[ENDPOINT, `${ENDPOINT}/v1/traces`], [`${ENDPOINT}/`, `${ENDPOINT}/v1/traces`], ['https://host/otlp/', 'https://host/otlp/v1/traces']] as const) {
    t.equal((await configure({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).tracing?.url, url)
  }
})

t.test('headers and attributes are pairs with percent-encoded values; the service\'s name comes first', async t => {
  const { tracing } = await configure({
    ...ONE_TARGET,
    OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS: ' authorization=Basic%20YWJj== , x-tenant = 42,empty=,',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=from-the-attributes,team=caf%C3%A9',
    OTEL_SERVICE_NAME: 'from-its-own-variable'
  })
  t.same(tracing?.headers, { authorization: 'Basic YWJj==', 'x-tenant': '42', empty: '' })
  t.same(tracing?.resource, { 'service.name': 'from-its-own-variable', team: 'café' })
  const { tracing: other } = await configure({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_RESOURCE_ATTRIBUTES: 'service.name=from-the-attributes' })
  t.same(other?.resource, { 'service.name': 'from-the-attributes' })
})

t.test('samplers', async t => {
  const sampling = async (sampler: string | undefined, ratio?: string) => {
    const env = { ...sampler === undefined ? {} : { OTEL_TRACES_SAMPLER: sampler }, ...ratio === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: ratio } }
    return (await configure({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...env })).tracing?.sampling
  }
  t.same(await sampling(undefined), { parentBased: true, ratio: 1 })
  t.same(await sampling('always_on', '0.5'), { parentBased: false, ratio: 1 }, 'the ratio is another one\'s')
  t.same(await sampling('always_off'), { parentBased: false, ratio: 0 })
  t.same(await sampling('traceidratio', '0.25'), { parentBased: false, ratio: 0.25 })
  t.same(await sampling('traceidratio'), { parentBased: false, ratio: 1 })
  t.same(await sampling('parentbased_always_off'), { parentBased: true, ratio: 0 })
  t.same(await sampling('parentbased_traceidratio', '0.01'), { parentBased: true, ratio: 0.01 })
})

t.test('what is wrong is named, also where tracing is switched off, and not repeated', async t => {
  const secret = 'hunter2'
  const wrong = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${secret}:99999999`,
    OTEL_EXPORTER_OTLP_HEADERS: `${secret}`,
    OTEL_RESOURCE_ATTRIBUTES: `a=${secret}%`
  }
  const lines = [
    'OTEL_EXPORTER_OTLP_HEADERS: must be name=value pairs, separated by commas, with percent-encoded values',
    'OTEL_RESOURCE_ATTRIBUTES: must be name=value pairs, separated by commas, with percent-encoded values',
    'OTEL_EXPORTER_OTLP_ENDPOINT: must be an http(s) URL'
  ]
  t.same(await complaints({ ...ONE_TARGET, ...wrong }), lines)
  t.same(await complaints({ ...ONE_TARGET, ...wrong, OTEL_SDK_DISABLED: 'true' }), lines)
  t.match(await complaints({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_ENDPOINT: secret, OTEL_TRACES_SAMPLER: secret, OTEL_TRACES_SAMPLER_ARG: '2', OTEL_SDK_DISABLED: secret }), [
    /^OTEL_SDK_DISABLED: must be/, /^OTEL_EXPORTER_OTLP_ENDPOINT: must be an http\(s\) URL$/, /^OTEL_TRACES_SAMPLER: must be one of always_on/, /^OTEL_TRACES_SAMPLER_ARG: must be <= 1$/
  ])
  for (const headers of [`a=${secret}%0d%0ab`, `a=${secret}%00`, `a b=${secret}`]) t.same(await complaints({ ...ONE_TARGET, OTEL_EXPORTER_OTLP_HEADERS: headers }), lines.slice(0, 1))
})
