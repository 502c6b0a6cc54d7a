import t from 'tap'
import { FrameTooLargeError, limitFrames } from '../../../providers/bedrock/frame-limit.ts'
import { START, text } from './event-stream-server.ts'

/** The bytes in pieces of a size. */
async function * cutInto (bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function passed (bytes: Buffer, size: number, maxBytes?: number): Promise<{ count: number, error: unknown }> {
  const result = { count: 0, error: undefined as unknown }
  try {
    for await (const piece of limitFrames(cutInto(bytes, size), maxBytes)) result.count += piece.length
  } catch (error) {
    result.error = error
  }
  return result
}

t.test('frames within the limit pass, however they are cut', async t => {
  const longest = text('x'.repeat(200))
  const bytes = Buffer.concat([START, longest, START])
  for (let size = 1; size <= bytes.length; size++) {
    t.strictSame(await passed(bytes, size, longest.length), { count: bytes.length, error: undefined }, `${size} bytes at a time`)
  }
})

t.test('a longer one does not, before its content has come', async t => {
  const bytes = Buffer.concat([START, Buffer.of(0x7f, 0xff, 0xff, 0xff)])
  for (let size = 1; size <= bytes.length; size++) {
    const { count, error } = await passed(bytes, size)
    t.ok(error instanceof FrameTooLargeError, `${size} bytes at a time`)
    t.ok(count >= START.length && count < bytes.length, 'what came before it passes')
  }
})

t.test('lengths that make no sense are left to the reader', async t => {
  const bytes = Buffer.of(0, 0, 0, 0, 0, 0, 0, 2)
  t.strictSame(await passed(bytes, 3), { count: 8, error: undefined })
})
