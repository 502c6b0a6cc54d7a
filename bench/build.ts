import { execFile } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))

/** Where the benchmark keeps what it builds and installs: outside of the repository, whose linters and tests would find it. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'llm-stream-gateway-bench')

/** The programs in C. */
export interface Programs {
  readonly upstream: string
  readonly loadgen: string
  /** To be preloaded: gives freed memory back. */
  readonly trim: string
}

/**
 * Compiles the programs, unless they are newer than their sources.
 * @throws {Error} the machine lacks what is needed; the message says what
 */
export async function buildPrograms (): Promise<Programs> {
  if (process.platform !== 'linux') throw new Error('The benchmark needs Linux: /proc, epoll, taskset.')
  await mkdir(CACHE, { recursive: true })
  return {
    upstream: await build('upstream', ['upstream/*.c']),
    loadgen: await build('loadgen', ['loadgen/*.c', 'upstream/spec.c']),
    trim: await build('trim.so', ['trim/trim.c'], ['-shared', '-fPIC'])
  }
}

async function build (name: string, sources: readonly string[], flags: readonly string[] = []): Promise<string> {
  const program = `${CACHE}/${name}`
  const newest = Math.max(...globSync([...sources, '*/*.h'], { cwd: here }).map(file => statSync(here + file).mtimeMs))
  if (existsSync(program) && statSync(program).mtimeMs > newest) return program
  try {
    await run('gcc', ['-O2', '-Wall', '-Wextra', ...flags, '-o', program, ...globSync([...sources], { cwd: here })], { cwd: here })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new Error('The benchmark needs gcc (Debian: apt-get install gcc libc6-dev).')
    throw error
  }
  return program
}
