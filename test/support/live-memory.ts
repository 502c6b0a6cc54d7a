/**
 * Loaded into a gateway's process (`NODE_OPTIONS=--import …`), it says on SIGUSR2 what is alive there: one line on standard
 * output, `{"msg": "live memory", "bytes": …}`, with the heap and the memory of buffers after full collections.
 */
import { Session } from 'node:inspector/promises'
import type { GatewayProcess } from './gateway-process.ts'

/** How to load it. */
export const LIVE_MEMORY = { NODE_OPTIONS: `--import ${import.meta.url}` }

/** What is alive in a process that was started with `LIVE_MEMORY`, in bytes. */
export async function liveMemory (gateway: GatewayProcess): Promise<number> {
  const asked = gateway.linesOf(MESSAGE).length
  gateway.child.kill('SIGUSR2')
  const line = await gateway.logged(MESSAGE, { count: asked + 1 })
  return Number(line['bytes'])
}

const MESSAGE = 'live memory'
const COLLECTIONS = 3

if (process.env['NODE_OPTIONS']?.includes(import.meta.url) === true) {
  let count = 0
  process.on('SIGUSR2', () => { void tell() })

  async function tell (): Promise<void> {
    const session = new Session()
    session.connect()
    // What is given back by finalizers goes with the next one.
    for (let round = 0; round < COLLECTIONS; round++) await session.post('HeapProfiler.collectGarbage')
    session.disconnect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    process.stdout.write(`${JSON.stringify({ msg: MESSAGE, count: ++count, bytes: heapUsed + arrayBuffers })}\n`)
  }
}
