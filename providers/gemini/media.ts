import type { ContentPart as Part } from '../../schemas/messages.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { unsupported } from './unsupported.ts'
import type { ContentPart, FilePart } from './wire.ts'
import { generationOf } from './wire.ts'

/**
 * Images, audio, video and files of a message: as data, or by an address that Google reads itself.
 * @see https://ai.google.dev/gemini-api/docs/file-input-methods
 */

/** Files that were uploaded to Google, by name. */
const FILES_API = 'https://generativelanguage.googleapis.com/v1beta/'
/** Any version of that, Cloud Storage, and videos: read by every model. */
const OWN_ADDRESS = /^(?:gs:\/\/.|https:\/\/generativelanguage\.googleapis\.com\/\w+\/files\/.|https:\/\/(?:(?:www|m)\.)?youtube\.com\/.|https:\/\/youtu\.be\/.)/
/** Other addresses are read since this version. */
const ADDRESSES_SINCE = 2.5

/** Types of the files whose name tells them, in the words of Google's list. */
const TYPES: ReadonlyMap<string, string> = new Map(Object.entries({
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  bmp: 'image/bmp',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  css: 'text/css',
  csv: 'text/csv',
  xml: 'text/xml',
  rtf: 'text/rtf',
  json: 'application/json',
  wav: 'audio/wav',
  mp3: 'audio/mp3',
  aiff: 'audio/aiff',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  mpeg: 'video/mpeg',
  mov: 'video/mov',
  avi: 'video/avi',
  mpg: 'video/mpg',
  webm: 'video/webm',
  wmv: 'video/wmv'
}))

/**
 * Translates one part of a message.
 * @param path where it stands in the request
 * @param model decides which addresses are read
 * @throws {UpstreamError} `unsupported`
 */
export function contentPart (part: Part, path: string, model: string): ContentPart[] {
  switch (part.type) {
    case 'text': return textParts(part.text)
    case 'refusal': return textParts(part.refusal)
    // `detail` is a hint about cost.
    case 'image_url': return [mediaAt(part.image_url.url, `${path}.image_url.url`, model)]
    case 'input_audio': return [{ inlineData: { mimeType: `audio/${part.input_audio.format}`, data: part.input_audio.data } }]
    case 'file': return [fileOf(part.file, `${path}.file`, model)]
    default: return [openPart(part, path, model)]
  }
}

/** Empty text is left out: the API refuses it, and it says nothing. */
export function textParts (text: string): Array<{ text: string }> {
  return text === '' ? [] : [{ text }]
}

/**
 * Media by a `data:` URL, or by an address.
 * @param filename tells the type where the address does not
 * @throws {UpstreamError} `unsupported`
 */
export function mediaAt (url: string, path: string, model: string, filename = ''): ContentPart {
  const inlineData = dataOf(url)
  if (inlineData !== undefined) return { inlineData }
  if (/^data:/i.test(url)) throw unsupported(path, 'a data: URL must be in base64 and tell its type')
  if (OWN_ADDRESS.test(url)) return fileAt(url, filename)
  if (!/^https:\/\/./.test(url)) throw unsupported(path, 'it takes data: URLs in base64, and addresses of https: and gs:')
  const generation = generationOf(model)
  if (generation !== undefined && generation < ADDRESSES_SINCE) throw unsupported(path, 'this model reads no addresses of others, send a data: URL')
  return fileAt(url, filename)
}

function fileAt (fileUri: string, filename: string): FilePart {
  const mimeType = typeOf(filename) ?? typeOf(fileUri.replace(/[?#].*$/s, ''))
  return { fileData: { fileUri, ...(mimeType === undefined ? {} : { mimeType }) } }
}

function typeOf (name: string): string | undefined {
  return TYPES.get(/\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '')
}

function fileOf ({ file_id: id, file_data: data, filename }: Extract<Part, { type: 'file' }>['file'], path: string, model: string): ContentPart {
  if (data !== undefined) {
    if (!/^[a-z]+:/i.test(data)) throw unsupported(`${path}.file_data`, 'a file must come as a base64 data: URL, which tells its type')
    return mediaAt(data, `${path}.file_data`, model, filename)
  }
  // What Google's own Files API gives: a name, or the whole address.
  if (id !== undefined && /^files\/[\w-]+$/.test(id)) return fileAt(FILES_API + id, filename ?? '')
  if (id !== undefined && OWN_ADDRESS.test(id)) return fileAt(id, filename ?? '')
  throw unsupported(`${path}.file_id`, 'a file must come as file_data, or by the name that Google\'s Files API gave it')
}

/** Kinds that compatible servers have beside OpenAI's. */
function openPart (part: { type: string }, path: string, model: string): ContentPart {
  const video = part.type === 'video_url' && 'video_url' in part ? part.video_url : undefined
  const url = isJsonObject(video) ? video['url'] : undefined
  if (typeof url !== 'string') throw unsupported(`${path}.type`, 'it does not know this kind of content')
  return mediaAt(url, `${path}.video_url.url`, model)
}

/** Type and content of a base64 `data:` URL; undefined for any other. @see https://www.rfc-editor.org/rfc/rfc2397 */
function dataOf (url: string): { mimeType: string, data: string } | undefined {
  const comma = url.indexOf(',')
  if (comma === -1) return undefined
  const mimeType = /^data:([^;,\s]+)(?:;[^;,]*)*;base64$/i.exec(url.slice(0, comma))?.[1]
  return mimeType === undefined ? undefined : { mimeType, data: url.slice(comma + 1) }
}
