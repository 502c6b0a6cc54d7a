import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { TextCitation } from '../../schemas/messages-api-answer.ts'

/**
 * The annotations of a text as citations. Which piece of the text each supports is not told: it would take a text block
 * of its own, and a stream knows it only after the text. An annotation that says too little for a citation is left out.
 */
export function citationsOf (annotations: unknown): TextCitation[] {
  return Array.isArray(annotations) ? annotations.flatMap(annotation => isJsonObject(annotation) ? citationOf(annotation) : []) : []
}

function citationOf ({ type, url_citation: page, document_citation: document }: JsonObject): TextCitation[] {
  if (type === 'url_citation' && isJsonObject(page)) return ofPage(page)
  return type === 'document_citation' && isJsonObject(document) ? ofDocument(document) : []
}

/** The cited words and Anthropic's proof of its own search are not known. */
function ofPage ({ url, title }: JsonObject): TextCitation[] {
  return typeof url !== 'string' ? [] : [{ type: 'web_search_result_location', url, title: textOrNull(title), cited_text: '', encrypted_index: '' }]
}

function ofDocument ({ unit, start, end, title, document_index: index, cited_text: cited }: JsonObject): TextCitation[] {
  if (typeof start !== 'number' || typeof end !== 'number') return []
  const rest = {
    cited_text: textOrNull(cited) ?? '',
    document_index: typeof index === 'number' ? index : 0,
    document_title: textOrNull(title),
    file_id: null
  }
  switch (unit) {
    case 'char': return [{ type: 'char_location', ...rest, start_char_index: start, end_char_index: end }]
    case 'page': return [{ type: 'page_location', ...rest, start_page_number: start, end_page_number: end }]
    case 'chunk': return [{ type: 'content_block_location', ...rest, start_block_index: start, end_block_index: end }]
    default: return []
  }
}

function textOrNull (value: unknown): string | null { return typeof value === 'string' ? value : null }
