import t from 'tap'
import { Base64Bytes } from '../../../providers/bedrock/base64-bytes.ts'
import { hasCitations } from '../../../providers/bedrock/content.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import { CALL, CLAUDE, HELLO, NOVA, TOOL, converse, refusal, requestOf } from './converse.ts'

const PIXEL = 'iVBORw0KGgo='
const BYTES = Base64Bytes.fromText(PIXEL)
const user = (...parts: unknown[]): Partial<ChatCompletionRequest> => requestOf({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, ...parts] }] })
const blocksOf = (request: Partial<ChatCompletionRequest>, model = NOVA) => converse(request, model).messages?.at(-1)?.content?.slice(1)
const image = (url: string) => ({ type: 'image_url', image_url: { url } })
const file = (mediaType: string, filename?: string) => ({ type: 'file', file: { filename, file_data: `data:${mediaType};base64,${PIXEL}` } })
const video = (url: unknown) => ({ type: 'video_url', video_url: { url } })
const audio = (format: string, data = PIXEL) => ({ type: 'input_audio', input_audio: { format, data } })
const at = 'messages[0].content[1]'

t.test('images by data: URL', async t => {
  for (const [type, format] of [['png', 'png'], ['jpeg', 'jpeg'], ['JPG', 'jpeg'], ['gif', 'gif'], ['webp', 'webp']] as const) {
    t.strictSame(blocksOf(user(image(`data:image/${type};base64,${PIXEL}`))), [{ image: { format, source: { bytes: BYTES } } }], type)
  }
  t.strictSame(refusal(user(image('data:image/png;base64,'))), { reason: 'invalid_request', param: `${at}.image_url.url` })
})

t.test('images by https: URL and other images are refused', async t => {
  for (const url of ['https://example.com/a.png', 's3://bucket/a.png', `data:image/tiff;base64,${PIXEL}`, 'data:image/png,raw']) {
    t.strictSame(refusal(user(image(url))), { reason: 'unsupported', param: `${at}.image_url.url` }, url)
  }
})

t.test('images and files in tool results', async t => {
  const result = (...content: unknown[]) => requestOf({ messages: [HELLO, CALL, { role: 'tool', tool_call_id: 'call_1', content }], tools: [TOOL] })
  const parts = [{ type: 'text', text: 'Here' }, image(`data:image/png;base64,${PIXEL}`), file('application/pdf', 'a.pdf')]
  t.strictSame(converse(result(...parts)).messages?.[2]?.content?.[0]?.toolResult?.content, [
    { text: 'Here' }, { image: { format: 'png', source: { bytes: BYTES } } }, { document: { format: 'pdf', name: 'a', source: { bytes: BYTES } } }
  ])
  t.strictSame(refusal(result(audio('wav'))), { reason: 'unsupported', param: 'messages[2].content[0].input_audio' })
})

t.test('documents have a clean name of their own', async t => {
  const request = user(file('application/pdf', 'Q3_report: final (v2).pdf'), file('text/plain;charset=utf-8', 'notes.txt'), file('text/csv', 'notes.csv'), file('text/markdown'))
  t.strictSame(blocksOf(request)?.map(({ document }) => [document?.format, document?.name]), [['pdf', 'Q3 report final (v2)'], ['txt', 'notes'], ['csv', 'notes (2)'], ['md', 'document']])
  t.strictSame(converse(requestOf({ messages: [{ role: 'user', content: [file('text/csv')] }] })).messages?.[0]?.content?.at(-1), { text: '.' }, 'Converse wants text beside them')
  t.strictSame(refusal(user(file('application/zip'))), { reason: 'unsupported', param: `${at}.file.file_data` })
  t.strictSame(refusal(user({ type: 'file', file: { file_id: 'file-1' } })), { reason: 'unsupported', param: `${at}.file.file_id` })
  t.strictSame(refusal(user({ type: 'file', file: {} })), { reason: 'unsupported', param: `${at}.file.file_data` })
})

t.test('citations of documents, where they are asked for', async t => {
  const cited = (citations: unknown) => blocksOf(user({ ...file('text/csv'), citations }))?.[0]?.document?.citations
  t.strictSame(cited({ enabled: true }), { enabled: true })
  t.ok(hasCitations({ messages: [HELLO], ...user({ ...file('text/csv'), citations: { enabled: true } }) }))
  for (const other of [{ enabled: false }, {}, true, null]) {
    t.equal(cited(other), undefined)
    t.notOk(hasCitations({ messages: [HELLO], ...user({ ...file('text/csv'), citations: other }) }))
  }
})

t.test('audio', async t => {
  t.strictSame(blocksOf(user(audio('wav'))), [{ audio: { format: 'wav', source: { bytes: BYTES } } }])
  t.strictSame(refusal(user(audio('pcm16'))), { reason: 'unsupported', param: `${at}.input_audio.format` })
  t.strictSame(refusal(user(audio('mp3', ''))), { reason: 'invalid_request', param: `${at}.input_audio.data` })
  t.strictSame(refusal(user(audio('wav')), CLAUDE), { reason: 'unsupported', param: `${at}.input_audio` })
})

t.test('video by data: URL', async t => {
  t.strictSame(blocksOf(user(video(`data:video/quicktime;base64,${PIXEL}`))), [{ video: { format: 'mov', source: { bytes: BYTES } } }])
  for (const url of ['https://example.com/a.mp4', `data:video/ogg;base64,${PIXEL}`]) t.strictSame(refusal(user(video(url))), { reason: 'unsupported', param: `${at}.video_url.url` })
  t.strictSame(refusal(user(video(5))), { reason: 'unsupported', param: `${at}.video_url` })
  t.strictSame(refusal(user({ type: 'video_url' })), { reason: 'unsupported', param: `${at}.video_url` })
  t.strictSame(refusal(user(video(`data:video/mp4;base64,${PIXEL}`)), CLAUDE), { reason: 'unsupported', param: `${at}.video_url` })
})

t.test('other kinds of content, and attachments of system and assistant', async t => {
  t.strictSame(refusal(user({ type: 'hologram' })), { reason: 'unsupported', param: `${at}.type` })
  for (const role of ['system', 'developer', 'assistant']) {
    t.strictSame(refusal(requestOf({ messages: [{ role, content: [image(`data:image/png;base64,${PIXEL}`)] }] })), { reason: 'unsupported', param: 'messages[0].content[0].type' })
  }
})
