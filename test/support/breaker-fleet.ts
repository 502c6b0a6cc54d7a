/**
 * Replicas of a fleet as processes, on one PostgreSQL.
 *
 *     const fleet = await startFleet(t, { url, replicas: 3, targets: ['a'] })
 *     await fleet.ask(0, { kind: 'trip', targets: ['a'] })
 *     await fleet.ask(1, { kind: 'list' })
 *     fleet.processes[2].kill('SIGSTOP')
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Test } from 'tap'
import type { BreakerPolicy } from '../../breaker/policy.ts'
import { isJsonObject } from '../../schemas/json-object.ts'

/** What a replica is started with. */
export interface ReplicaOptions {
  readonly url: string
  readonly name: string
  readonly targets: readonly string[]
  readonly policy: Partial<BreakerPolicy>
  /** Whether it hears of changes. */
  readonly notified: boolean
  /** How often it polls, in ms; 0: never. */
  readonly refreshMs: number
  /** How long it waits for the store; long, where the machine's load shall not matter. */
  readonly storeTimeoutMs: number
  /** The longest pause in `live`, in ms. */
  readonly pauseMs: number
}

/** What a replica does. */
export type ReplicaCommand =
  /** Fails until the breakers open; answers with the time. */
  | { readonly kind: 'trip', readonly targets: readonly string[] }
  /** Asks for each at once; answers with those that it got the probe of. All succeed. */
  | { readonly kind: 'race', readonly targets: readonly string[] }
  /** Lives through so many random steps with each target. */
  | { readonly kind: 'live', readonly targets: readonly string[], readonly seed: number, readonly steps: number }
  /** Answers with the snapshots of all breakers, after a look into the store. */
  | { readonly kind: 'list' }
  | { readonly kind: 'close' }

/** What a replica says. Times are of the machine's clock, in ms. */
export type ReplicaReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer', readonly id: number, readonly result: unknown }
  | { readonly kind: 'transition', readonly target: string, readonly epoch: number, readonly to: string, readonly adopted: boolean, readonly at: number }
  | { readonly kind: 'store_lost' }

type Transition = Extract<ReplicaReport, { kind: 'transition' }>

export interface FleetOptions extends Partial<Omit<ReplicaOptions, 'name'>> {
  readonly url: string
  readonly replicas: number
}

/** One process. */
export class Replica {
  readonly name: string
  readonly process: ChildProcess
  readonly ready: Promise<void>
  /** Of its breakers, made or learned, in order. */
  readonly transitions: Transition[] = []
  /** How often it lost the store. */
  storeLost = 0
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #asked = 0

  constructor (options: ReplicaOptions) {
    this.name = options.name
    this.process = fork(new URL('../fixtures/breaker-replica.ts', import.meta.url), { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.process.send(JSON.stringify(options)) // thousands of targets are too much for an argument
    const ready = Promise.withResolvers<void>()
    this.ready = ready.promise
    this.process.on('message', (report: ReplicaReport) => {
      switch (report.kind) {
        case 'ready':
          ready.resolve()
          break
        case 'transition':
          this.transitions.push(report)
          break
        case 'store_lost':
          this.storeLost++
          break
        case 'answer':
          this.#waiting.get(report.id)?.(report.result)
          this.#waiting.delete(report.id)
      }
    })
    this.process.once('exit', () => {
      for (const resolve of this.#waiting.values()) resolve(undefined)
      this.#waiting.clear()
    })
  }

  /** Has it do something; resolves when it has, with undefined if it died meanwhile. */
  async ask (command: ReplicaCommand): Promise<unknown> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return undefined
    const id = this.#asked++
    return await new Promise(resolve => {
      this.#waiting.set(id, resolve)
      this.process.send({ id, command }, error => { if (error !== null) resolve(undefined) })
    })
  }
}

/** Starts them; killed at the end of the test. */
export async function startFleet (t: Pick<Test, 'teardown'>, { replicas, ...options }: FleetOptions): Promise<Replica[]> {
  const fleet = Array.from({ length: replicas }, (_, n) => newReplica(t, `replica-${n}`, options))
  await Promise.all(fleet.map(async replica => await replica.ready))
  return fleet
}

/** One more. */
export function newReplica (t: Pick<Test, 'teardown'>, name: string, { url, targets = [], policy = {}, notified = true, refreshMs = 1_000, pauseMs = 20, storeTimeoutMs = 20_000 }: Omit<FleetOptions, 'replicas'>): Replica {
  const replica = new Replica({ url, name, targets, policy, notified, refreshMs, pauseMs, storeTimeoutMs })
  t.teardown(() => { replica.process.kill('SIGKILL') })
  return replica
}

/** The names in an answer to `race`. */
export function namesIn (answer: unknown): string[] {
  return Array.isArray(answer) ? answer.filter(name => typeof name === 'string') : []
}

/** State and epoch by target in an answer to `list`. */
export function statesIn (answer: unknown): Map<string, string> {
  const snapshots: unknown[] = Array.isArray(answer) ? answer : []
  return new Map(snapshots.filter(isJsonObject).map(({ target, state, epoch }) => [String(target), `${String(state)} ${String(epoch)}`]))
}
