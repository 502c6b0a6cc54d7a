/**
 * What stands in front of replicas: passes each request on to the next of those that are in rotation, on a connection of
 * its own, as Kubernetes' endpoints do. Nothing is tried again.
 */
import { createServer, request } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Test } from 'tap'

export class RoundRobin {
  readonly #server: Server
  #rotation: readonly string[] = []
  #next = 0

  constructor () {
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing))
  }

  get url (): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  /** Who gets requests from now on. */
  rotate (urls: readonly string[]): void { this.#rotation = urls }

  async listen (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.listen(0, '127.0.0.1', resolve) })
  }

  close (): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #pass (incoming: IncomingMessage, outgoing: ServerResponse): void {
    const origin = this.#rotation[this.#next++ % this.#rotation.length] ?? ''
    const passed = request(`${origin}${incoming.url ?? ''}`, { method: incoming.method, headers: incoming.headers, agent: false }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
    })
    passed.on('error', () => outgoing.destroy())
    outgoing.on('close', () => passed.destroy())
    incoming.pipe(passed)
  }
}

/** Listens until the end of the test. */
export async function roundRobin (t: Pick<Test, 'teardown'>): Promise<RoundRobin> {
  const made = new RoundRobin()
  await made.listen()
  t.teardown(() => made.close())
  return made
}
