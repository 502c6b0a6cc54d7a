import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { contentPart } from '../../../providers/gemini/media.ts'
import type { ContentPart } from '../../../schemas/messages.ts'

function translate (part: ContentPart, model = 'gemini-2.5-flash'): unknown {
  try {
    return contentPart(part, 'part', model)
  } catch (error) {
    if (error instanceof UpstreamError) return [error.reason, error.param]
    throw error
  }
}

const image = (url: string): ContentPart => ({ type: 'image_url', image_url: { url } })
/** Kinds that the schema leaves open. */
const open = (part: Record<string, unknown>): ContentPart => JSON.parse(JSON.stringify(part))

t.test('addresses that Google reads', async t => {
  for (const [url, mimeType] of [
    ['https://generativelanguage.googleapis.com/v1beta/files/abc-123', undefined],
    ['gs://bucket/a.png', 'image/png'],
    ['https://www.youtube.com/watch?v=abc', undefined],
    ['https://youtu.be/abc', undefined],
    ['https://example.com/a.JPG?size=1#top', 'image/jpeg'],
    ['https://example.com/image', undefined]
  ] as const) {
    t.strictSame(translate(image(url)), [{ fileData: { fileUri: url, ...(mimeType === undefined ? {} : { mimeType }) } }], url)
  }
})

t.test('older models read Google\'s own addresses alone', async t => {
  for (const model of ['gemini-2.0-flash', 'gemini-1.5-pro']) {
    t.strictSame(translate(image('https://example.com/a.png'), model), ['unsupported', 'part.image_url.url'])
    t.match(translate(image('gs://bucket/a.png'), model), [{ fileData: {} }])
    t.match(translate(image('https://youtu.be/abc'), model), [{ fileData: {} }])
  }
  t.match(translate(image('https://example.com/a.png'), 'gemini-flash-latest'), [{ fileData: {} }])
})

t.test('other addresses are refused', async t => {
  for (const url of ['http://example.com/a.png', 'file:///etc/passwd', 'a.png', 'https://', 'data:image/svg+xml,%3Csvg/%3E', 'data:;base64,aW1n', 'data:image/png;base64']) {
    t.strictSame(translate(image(url)), ['unsupported', 'part.image_url.url'], url)
  }
})

t.test('files', async t => {
  const file = (fields: { file_id?: string, file_data?: string, filename?: string }): ContentPart => ({ type: 'file', file: fields })
  t.strictSame(translate(file({ file_id: 'files/abc', filename: 'a.pdf' })), [{ fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc', mimeType: 'application/pdf' } }])
  t.strictSame(translate(file({ file_id: 'gs://bucket/a.csv' })), [{ fileData: { fileUri: 'gs://bucket/a.csv', mimeType: 'text/csv' } }])
  t.strictSame(translate(file({ file_data: 'https://example.com/x', filename: 'a.pdf' })), [{ fileData: { fileUri: 'https://example.com/x', mimeType: 'application/pdf' } }])
  for (const id of ['file-1', 'files/../x', 'https://example.com/a.pdf']) t.strictSame(translate(file({ file_id: id })), ['unsupported', 'part.file.file_id'])
  t.strictSame(translate(file({})), ['unsupported', 'part.file.file_id'])
  t.strictSame(translate(file({ file_data: 'cGRm' })), ['unsupported', 'part.file.file_data'])
})

t.test('videos, as compatible servers have them', async t => {
  t.strictSame(translate(open({ type: 'video_url', video_url: { url: 'data:video/mp4;base64,bXA0' } })), [{ inlineData: { mimeType: 'video/mp4', data: 'bXA0' } }])
  t.match(translate(open({ type: 'video_url', video_url: { url: 'https://youtu.be/abc' } })), [{ fileData: { fileUri: 'https://youtu.be/abc' } }])
  for (const part of [{ type: 'video_url' }, { type: 'video_url', video_url: 'x' }, { type: 'other' }]) t.strictSame(translate(open(part)), ['unsupported', 'part.type'])
})
