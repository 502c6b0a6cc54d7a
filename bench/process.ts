import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { putFirst } from './machine.ts'

/** How often to look whether a process is ready, in ms. */
const POLL_MS = 10

/** A process of the benchmark; it ends with the benchmark at the latest. */
export interface Running {
  readonly pid: number
  /** Whether it has ended. */
  readonly ended: () => boolean
  /** SIGTERM ends in order, SIGKILL at once; the whole group gets it. */
  stop (signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export interface StartOptions {
  readonly command: readonly string[]
  readonly core: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** What it says on standard error; what it says on standard output is dropped, as by /dev/null. */
  readonly log: string
}

const running = new Set<ChildProcess>()
process.on('exit', () => { for (const child of running) kill(child, 'SIGKILL') })

/** Starts a process on a core. */
export function start ({ command, core, cwd, env, log }: StartOptions): Running {
  const stderr = openSync(log, 'w')
  const child = spawn('taskset', ['-c', core, ...command], {
    cwd,
    detached: true, // a group of its own
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'ignore', stderr]
  })
  closeSync(stderr)
  const { pid } = child
  if (pid === undefined) throw new Error(`${command[0]} could not be started`)
  running.add(child)
  const exited = once(child, 'exit').then(() => { running.delete(child) })
  putFirst(pid)
  return {
    pid,
    ended: () => !running.has(child),
    stop: async (signal = 'SIGKILL') => {
      kill(child, signal)
      await exited
      kill(child, 'SIGKILL') // what is left of its group
    }
  }
}

function kill ({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {} // it has ended
}

export interface ReadyOptions {
  /** Undefined: there is no process to wait for. */
  readonly running: Running | undefined
  readonly port: number
  readonly path: string | undefined
  readonly timeoutMs: number
  readonly log: string
}

/**
 * Waits until a port is open, or until a path of it answers 200.
 * @throws {Error} it ended, or did not come to that in time; with the log's end
 */
export async function ready (name: string, { running, port, path, timeoutMs, log }: ReadyOptions): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(path === undefined ? await isOpen(port) : await answers(port, path))) {
    const ended = running?.ended() === true
    if (ended || Date.now() > deadline) {
      throw new Error(`${name} ${ended ? 'ended' : `was not ready within ${timeoutMs / 1000} s`}:\n${readFileSync(log, 'utf8').slice(-1000)}`)
    }
    await delay(POLL_MS)
  }
}

async function isOpen (port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

async function answers (port: number, path: string): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
