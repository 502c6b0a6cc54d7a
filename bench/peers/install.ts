import { execFile, spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** Peers come from npm and PyPI, by their ordinary clients, into folders of the benchmark's own. */

const run = promisify(execFile)
const Manifest = Type.Object({ version: Type.String() })

/**
 * With the versions of hono that npm picks for it today, Portkey answers every streamed request with 500
 * ("TypeError: immutable").
 */
const PORTKEY = {
  private: true,
  dependencies: { '@portkey-ai/gateway': '1.15.2' },
  overrides: { '@hono/node-server': '1.13.5', hono: '4.9.7' }
}

/** Installs Portkey's gateway. */
export async function installPortkey (folder: string): Promise<void> {
  if (existsSync(`${folder}/node_modules/@portkey-ai/gateway/build/start-server.js`)) return
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}/package.json`, JSON.stringify(PORTKEY, null, 2))
  await run('npm', ['install', '--no-audit', '--no-fund', '--omit=dev'], { cwd: folder })
}

/** Installs LiteLLM's proxy; takes some minutes and 1 GB. */
export async function installLitellm (folder: string): Promise<void> {
  if (existsSync(`${folder}/bin/litellm`)) return
  await run('python3', ['-m', 'venv', folder])
  await run(`${folder}/bin/pip`, ['install', '--quiet', 'litellm[proxy]'], { maxBuffer: 1 << 26 })
}

/** The version of a package that is installed in a folder. */
export function versionOf (folder: string, name: string): string {
  return Value.Parse(Manifest, JSON.parse(readFileSync(`${folder}/node_modules/${name}/package.json`, 'utf8'))).version
}

/** The version of a package in a virtual environment. */
export function versionOfPythonPackage (folder: string, name: string): string {
  const [found = ''] = globSync(`${folder}/lib/python*/site-packages/${name}-*.dist-info`)
  return /-([^-]+)\.dist-info$/.exec(found)?.[1] ?? 'unknown'
}

/** What a program answers to `-v`. */
export function versionOfProgram (path: string): string {
  const { stdout, stderr } = spawnSync(path, ['-v'], { encoding: 'utf8' })
  return /\d+\.[\d.]*\d/.exec(stdout + stderr)?.[0] ?? 'unknown'
}
