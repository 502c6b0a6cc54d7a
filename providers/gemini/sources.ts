import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/**
 * What an answer, or one event of a stream, says of where its text comes from: of any shape outside, of this one here.
 * Offsets are of UTF-8 bytes.
 * @see https://ai.google.dev/api/generate-content#GroundingMetadata
 * @see https://ai.google.dev/api/generate-content#citationmetadata
 */
export interface Sources {
  /** By their number; undefined for kinds that nothing is known of. */
  readonly chunks: ReadonlyArray<Source | undefined>
  /** Which text comes from which chunks. */
  readonly supports: readonly Support[]
  /** What was recited, word for word, with its source. */
  readonly citations: readonly Citation[]
}

/** Something on the web or on a map, or a document that was retrieved. */
export type Source =
  | { readonly kind: 'url', readonly url: string, readonly title: string }
  | { readonly kind: 'document', readonly title: string | undefined, readonly page: number | undefined, readonly text: string | undefined }

/** A piece of the answer's text. */
export interface Segment {
  /** Which of the answer's parts it is in. */
  readonly part: number
  readonly start: number
  /** Undefined: up to the end. */
  readonly end: number | undefined
}

export interface Support {
  readonly segment: Segment
  readonly chunks: readonly number[]
}

export interface Citation {
  readonly segment: Segment
  readonly source: Source
}

/** What a candidate says of its sources; undefined where it says nothing. */
export function sourcesOf ({ groundingMetadata, citationMetadata }: JsonObject): Sources | undefined {
  if (groundingMetadata === undefined && citationMetadata === undefined) return undefined // nearly always
  const grounding = isJsonObject(groundingMetadata) ? groundingMetadata : {}
  const chunks = listIn(grounding, 'groundingChunks').map(sourceOf)
  const supports = listIn(grounding, 'groundingSupports').flatMap(supportOf)
  // Google's two APIs have two names for it.
  const cited = isJsonObject(citationMetadata) ? [...listIn(citationMetadata, 'citationSources'), ...listIn(citationMetadata, 'citations')] : []
  const citations = cited.flatMap(citationOf)
  return chunks.length === 0 && supports.length === 0 && citations.length === 0 ? undefined : { chunks, supports, citations }
}

function sourceOf (chunk: unknown): Source | undefined {
  if (!isJsonObject(chunk)) return undefined
  const { web, maps, image, retrievedContext } = chunk
  if (isJsonObject(web)) return pageAt(web['uri'], web['title'])
  if (isJsonObject(maps)) return pageAt(maps['uri'], maps['title'])
  if (isJsonObject(image)) return pageAt(image['sourceUri'] ?? image['imageUri'], image['title'])
  return isJsonObject(retrievedContext) ? retrieved(retrievedContext) : undefined
}

function pageAt (uri: unknown, title: unknown): Source | undefined {
  const url = textIn(uri)
  return url === undefined ? undefined : { kind: 'url', url, title: textIn(title) ?? url }
}

/** A document that can be opened is a page like any other. */
function retrieved ({ uri, title, text, pageNumber, ragChunk }: JsonObject): Source | undefined {
  const url = textIn(uri)
  if (url !== undefined && /^https?:/i.test(url)) return pageAt(url, title)
  const name = textIn(title) ?? url
  const passage = textIn(text) ?? (isJsonObject(ragChunk) ? textIn(ragChunk['text']) : undefined)
  return name === undefined && passage === undefined ? undefined : { kind: 'document', title: name, page: countIn(pageNumber), text: passage }
}

function supportOf (support: unknown): Support[] {
  if (!isJsonObject(support)) return []
  const { segment, groundingChunkIndices: indices } = support
  const chunks = Array.isArray(indices) ? indices.filter(index => countIn(index) !== undefined) : []
  return chunks.length === 0 ? [] : [{ segment: segmentOf(isJsonObject(segment) ? segment : {}), chunks }]
}

function citationOf (citation: unknown): Citation[] {
  if (!isJsonObject(citation)) return []
  const { uri, title } = citation
  const source = pageAt(uri, title) ?? retrieved({ title })
  return source === undefined ? [] : [{ segment: segmentOf(citation), source }]
}

/** Protobuf's JSON leaves out a number that is 0. */
function segmentOf ({ partIndex, startIndex, endIndex }: JsonObject): Segment {
  return { part: countIn(partIndex) ?? 0, start: countIn(startIndex) ?? 0, end: countIn(endIndex) }
}

function listIn (object: JsonObject, field: string): readonly unknown[] {
  const list = object[field]
  return Array.isArray(list) ? list : []
}

function textIn (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function countIn (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}
