import { AudioFormat } from '@aws-sdk/client-bedrock-runtime'
import type { ContentBlock, DocumentFormat, ImageFormat, VideoFormat } from '@aws-sdk/client-bedrock-runtime'
import type { AudioPart, FilePart } from '../../schemas/messages.ts'
import { Base64Bytes } from './base64-bytes.ts'
import { invalid, unsupported } from './errors.ts'

/**
 * Images, files, audio and video of a chat request as Converse's blocks. Only bytes are carried over, as `data:` URLs
 * have them: the gateway fetches nothing, and an S3 location would be read with its credentials, not the caller's.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_AudioBlock.html
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_VideoBlock.html
 */

const IMAGE_FORMATS: ReadonlyMap<string, ImageFormat> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp']
])

const DOCUMENT_FORMATS: ReadonlyMap<string, DocumentFormat> = new Map([
  ['application/pdf', 'pdf'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
  ['text/csv', 'csv'],
  ['text/html', 'html'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx']
])

const VIDEO_FORMATS: ReadonlyMap<string, VideoFormat> = new Map([
  ['video/mp4', 'mp4'],
  ['video/webm', 'webm'],
  ['video/quicktime', 'mov'],
  ['video/x-matroska', 'mkv'],
  ['video/x-flv', 'flv'],
  ['video/mpeg', 'mpeg'],
  ['video/x-ms-wmv', 'wmv'],
  ['video/3gpp', 'three_gp']
])

/** Media type (parameters left out), and where the base64 text begins. */
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,/i

interface Attachment {
  /** In lower case. */
  readonly mediaType: string
  readonly bytes: Base64Bytes
}

/** @throws {UpstreamError} `unsupported`: not a base64 `data:` URL; `invalid_request`: one without content */
function attachmentOf (url: string, param: string): Attachment {
  const match = DATA_URL.exec(url)
  if (match?.[1] === undefined) throw unsupported(param, 'attachments other than base64 data: URLs')
  const bytes = Base64Bytes.fromText(url.slice(match[0].length))
  if (bytes.length === 0) throw invalid(param, 'The data: URL holds no base64 content.')
  return { mediaType: match[1].toLowerCase(), bytes }
}

/**
 * An image.
 * @param param the request's field, for the error
 * @throws {UpstreamError} `unsupported`: a URL to be fetched, or no png, jpeg, gif or webp; `invalid_request`: no content
 */
export function imageBlock (url: string, param: string): ContentBlock.ImageMember {
  const { mediaType, bytes } = attachmentOf(url, param)
  const format = IMAGE_FORMATS.get(mediaType)
  if (format === undefined) throw unsupported(param, 'images other than png, jpeg, gif and webp')
  return { image: { format, source: { bytes } } }
}

/** A video, with the same errors. */
export function videoBlock (url: string, param: string): ContentBlock.VideoMember {
  const { mediaType, bytes } = attachmentOf(url, param)
  const format = VIDEO_FORMATS.get(mediaType)
  if (format === undefined) throw unsupported(param, 'videos of this kind')
  return { video: { format, source: { bytes } } }
}

const AUDIO_FORMATS: ReadonlyMap<string, AudioFormat> = new Map(Object.values(AudioFormat).map(format => [format, format]))

/** Audio, with the same errors. */
export function audioBlock ({ data, format: name }: AudioPart['input_audio'], param: string): ContentBlock.AudioMember {
  const format = AUDIO_FORMATS.get(name)
  if (format === undefined) throw unsupported(`${param}.format`, 'audio in this format')
  const bytes = Base64Bytes.fromText(data)
  if (bytes.length === 0) throw invalid(`${param}.data`, 'The audio holds no base64 content.')
  return { audio: { format, source: { bytes } } }
}

/** How a document is to be taken over. */
interface DocumentUse {
  /** Gives it a name that no other document of the request has. */
  readonly names: DocumentNames
  /** Whether the answer is to cite it. */
  readonly citations: boolean
  /** The request's field (`….file`), for the error. */
  readonly param: string
}

/**
 * A document.
 * @throws {UpstreamError} `unsupported`: a file by id or of another kind; `invalid_request`: no content
 */
export function documentBlock ({ file_id: id, file_data: data, filename }: FilePart['file'], { names, citations, param }: DocumentUse): ContentBlock.DocumentMember {
  if (data === undefined) throw unsupported(id === undefined ? `${param}.file_data` : `${param}.file_id`, 'files that are not part of the request')
  const { mediaType, bytes } = attachmentOf(data, `${param}.file_data`)
  const format = DOCUMENT_FORMATS.get(mediaType)
  if (format === undefined) throw unsupported(`${param}.file_data`, 'files other than pdf, txt, md, csv, html, doc, docx, xls and xlsx')
  return { document: { format, name: names.next(filename), source: { bytes }, ...(citations ? { citations: { enabled: true } } : {}) } }
}

/** The longest document name that Converse takes, less room for a number. */
const MAX_NAME = 190

/** Names for the documents of one request, by Converse's rules: few kinds of characters, and each name only once. */
export class DocumentNames {
  readonly #taken = new Set<string>()

  /** A name close to the file's, without its extension. */
  next (filename = ''): string {
    const name = filename
      .replace(/\.\w{1,5}$/, '')
      .replace(/[^A-Za-z0-9\s()[\]-]/g, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, MAX_NAME) || 'document'
    let unique = name
    for (let count = 2; this.#taken.has(unique); count++) unique = `${name} (${count})`
    this.#taken.add(unique)
    return unique
  }
}
