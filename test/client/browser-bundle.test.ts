/**
 * What gets into a page: the client, the parser of event streams, and nothing of the server or of Node.
 */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import t from 'tap'

t.test('a bundle for browsers holds the client and its parser only', async t => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL('../../', import.meta.url)),
    entryPoints: ['client/index.ts'],
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2024',
    write: false,
    metafile: true
  })
  const foreign = Object.keys(metafile.inputs).filter(path => !/^(client|node_modules\/eventsource-parser)\//.test(path))
  t.same(foreign, [])
  const code = outputFiles[0]?.text ?? ''
  t.notMatch(code, /\b(process|Buffer|require|node:)\b/)
  t.ok(code.length < 20_000, `${code.length} bytes`)
})
