import { readFile } from 'node:fs/promises'
import t from 'tap'
import { buildGateway, fileOf } from '../support/build-gateway.ts'
import { chat, HELLO } from '../support/chat-client.ts'
import { otlpReceiver } from '../support/otlp-receiver.ts'
import { scrape } from '../support/prometheus-text.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

t.test('each metric is written down with its labels, and there is each that is written down', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const receiver = await otlpReceiver(t)
  const { url } = await buildGateway(t, { file: fileOf(upstreams), env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
  await (await chat(url, { ...HELLO, stream: true })).text()
  const { families } = await scrape(url)
  const rows = (await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')).split('\n').filter(row => /^\| `(llm_gateway|process|nodejs)_/.test(row))
  const written = new Map<string, string[]>()
  for (const row of rows) {
    const [, names = '', labels = ''] = row.split('|')
    const list = [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')
    for (const name of list) {
      const full = name.startsWith('…') ? list[0]?.replace(/_[a-z]+$/, name.slice(1)) ?? name : name
      written.set(full, [...labels.matchAll(/`([^`]+)`/g)].map(([, label]) => label ?? '').filter(label => !/^p\d|max/.test(label)))
    }
  }
  t.same([...families.keys()].filter(name => !written.has(name)), [], 'none is missing there')
  t.same([...written.keys()].filter(name => !families.has(name)), [], 'none is missing here')
  for (const [name, { samples }] of families) {
    const [sample] = samples
    if (sample === undefined || name === 'nodejs_version_info') continue
    t.same(Object.keys(sample.labels).filter(label => label !== 'le').sort(), written.get(name)?.sort(), name)
  }
})
