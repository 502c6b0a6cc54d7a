import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel says of a group of processes: one that was started here, and its children. */

/** Ticks in which /proc counts CPU time, in ms. */
const TICK_MS = 10

/** CPU time that all of them have used, user and kernel, in steps of 10 ms. */
export function cpuMsOf (group: number): number {
  return sum(statsOf(group).map(({ fields }) => (Number(fields[11]) + Number(fields[12])) * TICK_MS))
}

/** Their resident memory (VmRSS), in KiB. */
export function residentKibOf (group: number): number {
  return sum(statsOf(group).map(({ pid }) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)))
}

/** The fields of /proc/PID/stat from the state on. @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statsOf (group: number): Array<{ readonly pid: string, readonly fields: readonly string[] }> {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => {
      const stat = read(`/proc/${pid}/stat`)
      return { pid, fields: stat.slice(stat.lastIndexOf(')') + 2).split(' ') } // the name before may hold anything
    })
    .filter(({ fields }) => Number(fields[2]) === group)
}

function read (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it has ended meanwhile
  }
}

function sum (values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
