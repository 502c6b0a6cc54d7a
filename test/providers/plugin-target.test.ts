/**
 * Targets whose provider is not in the package.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { Type } from 'typebox'
import { loadConfig } from '../../config/load.ts'
import { defineProvider } from '../../providers/define-provider.ts'
import { registerProvider } from '../../providers/index.ts'
import type { ProviderPlugins } from '../../providers/plugin-target.ts'
import type { PluginTarget } from '../../schemas/gateway-config.ts'
import { Environment } from '../../schemas/environment.ts'
import { Value } from 'typebox/value'

const mine = defineProvider('mine', Type.Object({ model: Type.String() }), async ({ model }) => ({
  kind: 'mine',
  model,
  complete: async () => { throw new Error('not asked') },
  stream: async () => { throw new Error('not asked') },
  close: async () => {}
}))

/** A host with this target. */
async function hostOf (t: Test, target: PluginTarget, plugins: ProviderPlugins = {}) {
  const host = Fastify()
  t.teardown(async () => await host.close())
  await registerProvider(host, target, plugins)
  await host.ready()
  return host
}

t.test('a plugin that was handed over is registered with the target\'s name and options', async t => {
  const host = await hostOf(t, { name: 'local', plugin: 'mine', options: { model: 'm' } }, { mine })
  t.match(host.providers.get('local'), { kind: 'mine', model: 'm' })
  await t.rejects(hostOf(t, { name: 'local', plugin: 'mine', options: { model: 1 } }, { mine }), { code: 'PROVIDER_OPTIONS', message: /target local.*model/ })
})

t.test('what adds no provider of that name is refused', async t => {
  await t.rejects(hostOf(t, { name: 'local', plugin: 'idle' }, { idle: async () => {} }), { code: 'PROVIDER_PLUGIN', message: /target local: its plugin adds no provider of this name/ })
  await t.rejects(hostOf(t, { name: 'local', plugin: 'toString' }, { mine }), { code: 'PROVIDER_PLUGIN', message: 'target local: its plugin cannot be loaded (ERR_MODULE_NOT_FOUND)' })
})

t.test('a path is one from the configuration file\'s folder; a package stays as it is named', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'llm-gateway-plugin-'))
  t.teardown(async () => await rm(folder, { recursive: true }))
  const path = join(folder, 'gateway.json')
  await writeFile(path, JSON.stringify({ targets: [{ name: 'a', plugin: './mine.js' }, { name: 'b', plugin: '../mine.js' }, { name: 'c', plugin: '@mine/provider' }] }))
  const { targets } = await loadConfig(Value.Parse(Environment, Value.Default(Environment, { GATEWAY_CONFIG: path })), {})
  t.match(targets, [{ plugin: pathToFileURL(join(folder, 'mine.js')).href }, { plugin: pathToFileURL(join(folder, '../mine.js')).href }, { plugin: '@mine/provider' }])
})
