/**
 * HTTP by hand, for what no client would send.
 */
import { connect } from 'node:net'

/** Sends text to the server at `url` and gives everything that comes back until it closes the connection. */
export async function rawHttp (url: string, text: string): Promise<{ readonly status: number, readonly head: string, readonly body: string }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}) // it may be reset; what came before counts
  socket.write(text)
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => { answer += part })
  await new Promise(resolve => { socket.once('close', resolve) })
  const end = answer.indexOf('\r\n\r\n')
  return { status: Number(answer.split(' ', 2)[1]), head: answer.slice(0, end), body: answer.slice(end + 4) }
}
