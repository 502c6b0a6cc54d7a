/**
 * What stands between a gateway and its database: an address that stays, behind which the server changes.
 *
 *     const tcp = await tcpSwitch(t, server.url)
 *     const database = await openPostgres(tcp.url, 2)
 *     tcp.turn('silent')       // takes connections, and passes nothing on, nor for those that are there
 *     tcp.turn('hang_up')      // takes connections and closes them at once, as a balancer without a server does
 *     tcp.turn(other.url)      // passes new ones on to another server; those that are there are cut
 */
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Test } from 'tap'

type Position = { readonly host: string, readonly port: number } | 'silent' | 'hang_up'

export class TcpSwitch {
  readonly #databaseUrl: string
  readonly #server = createServer(socket => this.#take(socket))
  readonly #open = new Set<Socket>()
  #position: Position
  /** When it took a connection, each time. */
  readonly takenAt: number[] = []

  constructor (databaseUrl: string) {
    this.#databaseUrl = databaseUrl
    this.#position = positionOf(databaseUrl)
  }

  /** Connections that are open. */
  get open (): number { return this.#open.size }

  /** URL of the database by way of this. */
  get url (): string {
    const address = this.#server.address()
    const url = new URL(this.#databaseUrl)
    url.port = String(typeof address === 'object' && address !== null ? address.port : 0)
    return url.href
  }

  async listen (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.listen(0, '127.0.0.1', resolve) })
  }

  /** @param position or the URL of another server */
  turn (position: string): void {
    this.#position = position === 'silent' || position === 'hang_up' ? position : positionOf(position)
    if (position !== 'silent') return this.cut()
    for (const socket of this.#open) {
      socket.unpipe()
      socket.resume() // so that its end is seen
    }
  }

  /** Cuts all connections that are there. */
  cut (): void {
    for (const socket of this.#open) socket.destroy()
  }

  close (): void {
    this.cut()
    this.#server.close()
  }

  #take (client: Socket): void {
    this.takenAt.push(performance.now())
    this.#keep(client)
    if (this.#position === 'hang_up') client.end()
    if (this.#position === 'hang_up' || this.#position === 'silent') {
      client.resume()
      return
    }
    const server = connect(this.#position)
    server.on('error', () => {})
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
    // What comes from the client stops while it is silent: a statement is not run then, and so not answered.
    client.pipe(server)
    server.pipe(client)
  }

  #keep (socket: Socket): void {
    this.#open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#open.delete(socket))
  }
}

/** Listens until the end of the test. */
export async function tcpSwitch (t: Pick<Test, 'teardown'>, databaseUrl: string): Promise<TcpSwitch> {
  const made = new TcpSwitch(databaseUrl)
  await made.listen()
  t.teardown(() => made.close())
  return made
}

function positionOf (url: string): Position {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
