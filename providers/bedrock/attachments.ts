import type { ContentBlock, DocumentFormat, ImageFormat } from '@aws-sdk/client-bedrock-runtime'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { FilePart } from '../../schemas/messages.ts'
import { Base64Bytes } from './base64-bytes.ts'
import { unsupported } from './errors.ts'

/**
 * Images and files of a chat request as Converse's blocks. Converse takes bytes alone (or S3 locations, which the chat
 * format does not know), so only `data:` URLs can be carried over; the gateway fetches nothing.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
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
  if (bytes.length === 0) throw new UpstreamError('invalid_request', 'The data: URL holds no base64 content.', { status: 400, param })
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

/**
 * A document.
 * @param names gives it a name that no other document of the request has
 * @param param the request's field (`….file`), for the error
 * @throws {UpstreamError} `unsupported`: a file by id or of another kind; `invalid_request`: no content
 */
export function documentBlock ({ file_id: id, file_data: data, filename }: FilePart['file'], names: DocumentNames, param: string): ContentBlock.DocumentMember {
  if (data === undefined) throw unsupported(id === undefined ? `${param}.file_data` : `${param}.file_id`, 'files that are not part of the request')
  const { mediaType, bytes } = attachmentOf(data, `${param}.file_data`)
  const format = DOCUMENT_FORMATS.get(mediaType)
  if (format === undefined) throw unsupported(`${param}.file_data`, 'files other than pdf, txt, md, csv, html, doc, docx, xls and xlsx')
  return { document: { format, name: names.next(filename), source: { bytes } } }
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
