import type { DocumentCitation, UrlCitation } from '../../schemas/extensions.ts'
import type { Citation } from './wire.ts'

/** What an answer cites, beside its text. The indexes are those of the text that the citation stands for. */
export type Annotation = UrlCitation | DocumentCitation

interface Span {
  readonly start_index: number
  readonly end_index: number
}

type Place = Omit<DocumentCitation['document_citation'], keyof Span | 'title' | 'cited_text'>

/**
 * A citation of Converse's, for the text from `start` to `end`.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html
 */
export function annotationOf ({ title, source, sourceContent, location }: Citation, start: number, end: number): Annotation {
  const span: Span = { start_index: start, end_index: end }
  const url = location?.web?.url ?? (isAddress(source) ? source : undefined)
  if (typeof url === 'string') {
    return { type: 'url_citation', url_citation: { url, title: textOr(title, textOr(location?.web?.domain, url)), ...span } }
  }
  const named = textOr(title, textOr(source, ''))
  const cited = (sourceContent ?? []).map(piece => textOr(piece.text, '')).join('')
  return {
    type: 'document_citation',
    document_citation: {
      ...(named === '' ? {} : { title: named }),
      ...placeOf(location),
      ...(cited === '' ? {} : { cited_text: cited }),
      ...span
    }
  }
}

/** A search result's content is a list of blocks, which `start` and `end` count. */
function placeOf (location: Citation['location']): Place {
  const { documentChar, documentPage, documentChunk, searchResultLocation } = location ?? {}
  if (documentChar != null) return { ...numbers(documentChar, documentChar.documentIndex), unit: 'char' }
  if (documentPage != null) return { ...numbers(documentPage, documentPage.documentIndex), unit: 'page' }
  if (documentChunk != null) return { ...numbers(documentChunk, documentChunk.documentIndex), unit: 'chunk' }
  if (searchResultLocation != null) return { ...numbers(searchResultLocation, searchResultLocation.searchResultIndex), unit: 'chunk' }
  return {}
}

function numbers ({ start, end }: { readonly start?: number, readonly end?: number }, index: number | undefined): Place {
  return {
    ...(typeof index === 'number' ? { document_index: index } : {}),
    ...(typeof start === 'number' ? { start } : {}),
    ...(typeof end === 'number' ? { end } : {})
  }
}

function isAddress (source: unknown): source is string { return typeof source === 'string' && /^https?:\/\//i.test(source) }

function textOr (value: unknown, otherwise: string): string { return typeof value === 'string' && value !== '' ? value : otherwise }
