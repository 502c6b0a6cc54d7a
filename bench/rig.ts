import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildPrograms, CACHE } from './build.ts'
import type { Programs } from './build.ts'
import { freePort, openDatabaseServer } from './database.ts'
import type { DatabaseServer } from './database.ts'
import { load } from './load.ts'
import { claimLoadCore, LOAD_CORE, TARGET_CORE } from './machine.ts'
import type { LoadReport } from './measurement.ts'
import { cpuMsOf, residentKibOf } from './proc.ts'
import { ready, start } from './process.ts'
import type { Running } from './process.ts'
import type { Scenario } from './scenarios.ts'
import type { Launch, Target } from './target.ts'

/** LiteLLM takes longest. */
const START_TIMEOUT_MS = 120_000
/** After the start, until its first garbage is collected and its timers are set. */
const SETTLE_MS = 400

/** A process of a target, ready to be measured. */
export interface Subject {
  readonly target: Target
  readonly startMs: number
  /** CPU time until it was ready, of the process and its children. */
  readonly startCpuMs: number
  readonly folder: string
  /** Resident memory of the process and its children, in KiB. */
  residentKib (): number
  /** Sends a load and reports what came of it. */
  load (scenario: Scenario): Promise<LoadReport>
  /** Sends its process a signal; without effect where there is none. */
  signal (name: NodeJS.Signals): void
  stop (signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** How a process is started where that is not as its target says. */
export interface LaunchOptions {
  /** Changes the process. */
  readonly adapt?: (launch: Launch, folder: string) => Launch
  /** A list for taskset. Default: the measured process's core. */
  readonly core?: string
}

/** Where a target's processes can be started, one after another: with a folder, a port, and a database of their own. */
export interface Site {
  readonly folder: string
  /** @throws {Error} it did not start */
  start (options?: LaunchOptions): Promise<Subject>
  /** Drops the database. */
  clear (): Promise<void>
}

const PROBE = fileURLToPath(new URL('./probe.ts', import.meta.url))

/** Whether a process is one of Node, which the probe can be loaded into. */
export function runsOnNode ({ command: [program] }: Launch): boolean {
  return program === process.execPath
}

/** The same process with `probe.ts` loaded first. */
export function withProbe ({ command: [program = '', ...args], ...rest }: Launch, flags: readonly string[] = []): Launch {
  return { ...rest, command: [program, ...flags, '--import', PROBE, ...args] }
}

/** Where a target keeps what was installed for it. */
export function installed (target: Target): string {
  return `${CACHE}/${target.name}`
}

/** All that a measurement needs around the target: programs, fake upstream, PostgreSQL, a folder for logs. */
export class Rig {
  readonly #programs: Programs
  readonly #folder: string
  readonly #upstream: Running
  readonly #upstreamPort: number
  #database: DatabaseServer | undefined
  #count = 0

  private constructor (programs: Programs, folder: string, upstream: Running, upstreamPort: number) {
    this.#programs = programs
    this.#folder = folder
    this.#upstream = upstream
    this.#upstreamPort = upstreamPort
  }

  /** Builds, and starts the upstream. PostgreSQL starts with the first target that wants it. */
  static async open (): Promise<Rig> {
    claimLoadCore()
    const programs = await buildPrograms()
    const folder = await mkdtemp(join(tmpdir(), 'llm-gateway-bench-'))
    const port = await freePort()
    const log = `${folder}/upstream.log`
    const upstream = start({ command: [programs.upstream, '-p', String(port)], core: LOAD_CORE, cwd: folder, env: {}, log })
    await ready('the fake upstream', { running: upstream, port, path: '/health', timeoutMs: 5000, log })
    return new Rig(programs, folder, upstream, port)
  }

  /** Starts a fresh process of a target on a site of its own, which goes with it; `direct` has none. @throws {Error} it did not start */
  async start (target: Target, options?: LaunchOptions): Promise<Subject> {
    const site = await this.site(target)
    try {
      const subject = await site.start(options)
      return {
        ...subject,
        stop: async signal => {
          await subject.stop(signal)
          await site.clear()
        }
      }
    } catch (error) {
      await site.clear()
      throw error
    }
  }

  /** Makes everything ready for processes of a target. */
  async site (target: Target): Promise<Site> {
    const count = ++this.#count
    const folder = `${this.#folder}/${target.name}-${count}`
    await mkdir(folder)
    await target.install?.(installed(target))
    const database = target.database === true ? this.#database ??= await openDatabaseServer() : undefined
    const schema = `bench_${process.pid}_${count}`
    const databaseUrl = await database?.create(schema) ?? ''
    const port = target.launch === undefined ? this.#upstreamPort : await freePort()
    const launch = target.launch?.({ port, upstream: `http://127.0.0.1:${this.#upstreamPort}`, folder, installed: installed(target), databaseUrl })
    return {
      folder,
      start: async ({ adapt = (same: Launch) => same, core = TARGET_CORE } = {}) => {
        const log = `${folder}.log`
        const begun = performance.now()
        const running = launch === undefined ? undefined : await this.#launch(adapt(launch, folder), { core, folder, log })
        try {
          await ready(target.name, { running, port, path: target.readyPath, timeoutMs: START_TIMEOUT_MS, log })
        } catch (error) {
          await running?.stop()
          throw error
        }
        const startMs = Math.round(performance.now() - begun)
        const startCpuMs = running === undefined ? 0 : cpuMsOf(running.pid)
        await delay(SETTLE_MS)
        const watched = {
          upstream: this.#upstream.pid,
          ...(running === undefined ? {} : { target: running.pid }),
          ...(database?.pid === undefined ? {} : { postgres: database.pid })
        }
        return {
          target,
          startMs,
          startCpuMs,
          folder,
          residentKib: () => running === undefined ? 0 : residentKibOf(running.pid),
          load: scenario => load(scenario, { loadgen: this.#programs.loadgen, port, upstreamPort: this.#upstreamPort, target, watched }),
          signal: name => { if (running !== undefined) process.kill(running.pid, name) },
          stop: async signal => { await running?.stop(signal) }
        }
      },
      clear: async () => { await database?.drop(schema) }
    }
  }

  /**
   * Starts a fresh process of a target whose memory is to be measured: it gives back what it has freed, and what is freed
   * by V8 at every `collect`. Otherwise the memory that is left over from the start would serve the first streams.
   */
  async startTrimmed (target: Target): Promise<{ subject: Subject, collect: () => void }> {
    let onNode = false
    const adapt = (launch: Launch): Launch => {
      onNode = runsOnNode(launch)
      const probed = onNode ? withProbe(launch, ['--expose-gc']) : launch
      return { ...probed, env: { ...probed.env, LD_PRELOAD: this.#programs.trim } }
    }
    const subject = await this.start(target, { adapt })
    return { subject, collect: () => { if (onNode) subject.signal('SIGUSR2') } }
  }

  /** Ends everything, and removes the folder. */
  async close (): Promise<void> {
    await this.#upstream.stop()
    await this.#database?.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #launch ({ command, env = {}, files = {} }: Launch, { core, folder, log }: { core: string, folder: string, log: string }): Promise<Running> {
    for (const [name, text] of Object.entries(files)) await writeFile(`${folder}/${name}`, text)
    return start({ command, core, cwd: folder, env, log })
  }
}
