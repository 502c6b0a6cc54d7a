import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, setPriority, totalmem } from 'node:os'
import { versionOf } from './peers/install.ts'
import type { Machine } from './measurement.ts'

/** Cores and priority: what keeps the measured process and the load apart, and others away from both. */

/** The core of the measured process. */
export const TARGET_CORE = process.env['BENCH_TARGET_CORE'] ?? '0'
/** The core of everything else: upstream, load generator, PostgreSQL. */
export const LOAD_CORE = process.env['BENCH_LOAD_CORE'] ?? '1'
/** On a shared machine our short runs go first, where root allows it. */
const NICE = Number(process.env['BENCH_NICE'] ?? '-10')

const PACKAGES = ['fastify', '@fastify/sse', 'undici', 'openai', '@aws-sdk/client-bedrock-runtime', '@google/generative-ai']
const GIB = 2 ** 30

/**
 * Puts this process, and so all that it starts, on the load's core and before others.
 * @throws {Error} there are not two cores, or no taskset
 */
export function claimLoadCore (): void {
  if (availableParallelism() < 2) throw new Error('The benchmark needs two cores: one for the measured process, one for the load.')
  try {
    execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)], { stdio: 'ignore' })
  } catch {
    throw new Error(`The benchmark needs taskset (Debian: util-linux), and the cores ${TARGET_CORE} and ${LOAD_CORE}.`)
  }
  try {
    setPriority(NICE)
  } catch {} // not root: the foreign load that is recorded with every run says whether that matters
  putFirst('self')
}

/** With autogroups, nice counts only inside one group of processes: the group's own value has to be set as well. */
export function putFirst (pid: number | 'self'): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(NICE))
  } catch {} // no autogroups, or not root
}

/** What the report says of the machine. */
export function describeMachine (versions: Readonly<Record<string, string>>, faultsCaught: number): Machine {
  const root = new URL('..', import.meta.url).pathname
  return {
    kind: 'machine',
    at: new Date().toISOString(),
    cpu: cpuName(),
    cores: cpus().length, // of the machine: this process has put itself on one
    memoryGib: Math.round(totalmem() / GIB),
    kernel: release(),
    versions: { node: process.versions.node, ...Object.fromEntries(PACKAGES.map(name => [name, versionOf(root, name)])), ...versions },
    faultsCaught
  }
}

function cpuName (): string {
  const [cpu] = cpus()
  return cpu === undefined ? 'unknown' : `${cpu.model}${cpu.speed > 0 ? `, ${(cpu.speed / 1000).toFixed(1)} GHz` : ''}`
}
