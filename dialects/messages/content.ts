import { withCacheControl, cacheControlOf } from '../../schemas/carried.ts'
import type { CacheControl } from '../../schemas/carried.ts'
import type { Content, ContentPart, FilePart, TextPart } from '../../schemas/messages.ts'
import type { ContentBlock, DocumentBlock, ImageBlock, TextBlock } from '../../schemas/messages-api-request.ts'
import { refused } from './refused.ts'

/** Blocks of content that stand in a turn or in a tool's result, as parts of a chat message. */

/** With the hint that the prompt be cached up to here, where there is one. */
export function cached<T extends object> (value: T, control: CacheControl | null | undefined): T {
  return control == null ? value : withCacheControl(value, control)
}

/**
 * Parts as the content of a message: one text alone as a string, which is what every server takes.
 */
export function contentOf (parts: readonly ContentPart[]): Content {
  const [first] = parts
  if (first === undefined) return ''
  return parts.length === 1 && first.type === 'text' && cacheControlOf(first) === undefined ? first.text : [...parts]
}

/** Citations of a text that an assistant said earlier are not translated: they were for the reader. */
export function textPart ({ text, cache_control: control }: TextBlock): TextPart {
  return cached({ type: 'text', text }, control)
}

/**
 * @param at the block's path in the request
 * @throws {GatewayError} 400: no text, image or document, or one that cannot be told exactly
 */
export function partOf (block: ContentBlock, at: string): ContentPart {
  switch (block.type) {
    case 'text': return textPart(block)
    case 'image': return imagePart(block, at)
    case 'document': return documentPart(block, at)
    default: throw refused(`${at}.type`, 'this kind of content here')
  }
}

function imagePart ({ source, transformations, cache_control: control }: ImageBlock, at: string): ContentPart {
  if (transformations?.oversized_image === 'error') throw refused(`${at}.transformations.oversized_image`, 'images that must not be scaled')
  switch (source.type) {
    case 'base64': return cached({ type: 'image_url', image_url: { url: `data:${source.media_type};base64,${source.data}` } }, control)
    case 'url': return cached({ type: 'image_url', image_url: { url: source.url } }, control)
    case 'file': throw refused(`${at}.source.file_id`, 'files of the Files API')
  }
}

/** A document is a file: its title, the file's name. What else can be said of one changes the answer, and has no counterpart. */
function documentPart ({ source, title, context, citations, cache_control: control }: DocumentBlock, at: string): FilePart {
  if (context != null && context !== '') throw refused(`${at}.context`, 'the context of a document')
  if (citations?.enabled === true) throw refused(`${at}.citations`, 'citations of documents')
  const file = (mediaType: string, base64: string, extension: string): FilePart =>
    cached({ type: 'file', file: { filename: fileName(title, extension), file_data: `data:${mediaType};base64,${base64}` } }, control)
  switch (source.type) {
    case 'base64': return file(source.media_type, source.data, '.pdf')
    case 'text': return file(source.media_type, Buffer.from(source.data).toString('base64'), '.txt')
    case 'url': throw refused(`${at}.source.url`, 'documents by URL')
    case 'content': throw refused(`${at}.source.content`, 'documents made of content blocks')
    case 'file': throw refused(`${at}.source.file_id`, 'files of the Files API')
  }
}

/** With an extension, by which OpenAI knows the file's kind. */
function fileName (title: string | null | undefined, extension: string): string {
  const name = title == null || title.trim() === '' ? 'document' : title
  return name.toLowerCase().endsWith(extension) ? name : name + extension
}
