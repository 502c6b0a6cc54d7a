/**
 * undici's parser errors come without a code, and were taken for broken connections.
 */
import t from 'tap'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import { rawUpstream } from '../support/raw-upstream.ts'

const ANSWERS = {
  'another protocol': 'SSH-2.0-OpenSSH_9.6\r\n\r\n',
  'a header that is none': 'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
  'a chunk without a size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  'headers without end': `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`
}

for (const [name, bytes] of Object.entries(ANSWERS)) {
  t.test(`${name} is malformed, and the connection is closed`, async t => {
    const raw = await rawUpstream(t, async connection => {
      await connection.request()
      connection.send(bytes)
    })
    const upstream = new HttpUpstream({ origin: raw.origin })
    t.teardown(async () => await upstream.close())
    const failure: unknown = await upstream.whole({ path: '/', headers: {}, body: '{}', signal: new AbortController().signal }).catch((error: unknown) => error)
    t.match(failure, { name: 'UpstreamError', reason: 'malformed' })
    await (await raw.connection(1)).closed
  })
}
