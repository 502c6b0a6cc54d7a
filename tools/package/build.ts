/**
 * Builds `dist/`, which is what `npm pack` packs: JavaScript with types and source maps, and the files that are read at run
 * time. A folder that is new is in it when something that is exported imports it.
 */
import { execFile } from 'node:child_process'
import { chmod, cp, glob, readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const compiler = fileURLToPath(import.meta.resolve('typescript/bin/tsc'))

await rm(`${root}/dist`, { recursive: true, force: true })
try {
  await promisify(execFile)(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root })
} catch (error) {
  if (error instanceof Error && 'stdout' in error) console.error(error.stdout)
  throw error
}
// The compiler overlooks an import that something is done with at once: `import('./a.ts').then(…)`.
for await (const path of glob(`${root}/dist/**/*.js`)) {
  const found = /\b(?:from|import)\b ?\(?['"]\.[^'"]*\.ts['"]/.exec(await readFile(path, 'utf8'))
  if (found !== null) throw new Error(`${path}: ${found[0]} was not rewritten`)
}
await cp(`${root}/db/migrations`, `${root}/dist/db/migrations`, { recursive: true, filter: path => !path.endsWith('_snapshot.json') })
await chmod(`${root}/dist/server.js`, 0o755)
