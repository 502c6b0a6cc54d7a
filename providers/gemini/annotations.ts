import { UpstreamError } from '../../errors/upstream-error.ts'
import type { DocumentCitation, UrlCitation } from '../../schemas/extensions.ts'
import type { PlainEvent } from './plain-events.ts'
import type { Segment, Source, Sources } from './sources.ts'
import { TextOffsets } from './text-offsets.ts'

/**
 * Where a piece of the content comes from.
 * @see https://platform.openai.com/docs/guides/tools-web-search#output-and-citations
 */
export type Annotation = UrlCitation | DocumentCitation

/** More are no answer's; they are kept until its end. In characters of JSON. */
const MAX_LENGTH = 4 * 1024 * 1024
/** Parts that are told apart. */
const MAX_PARTS = 4096

/** What a part of an answer is, as far as offsets are concerned: of the content, or not. */
export type PartKind = 'content' | 'other'

/**
 * The sources of one candidate. Its content is told as it comes, and so is what is said of sources; what that makes is
 * known at the end, as offsets may point behind what has come.
 */
export class Annotations {
  readonly #offsets = new TextOffsets()
  /** In which byte of the content each part begins; undefined for one that is not of the content. */
  readonly #parts: Array<number | undefined> = []
  #last: PartKind | undefined
  /** Of the last list that was not empty. */
  #chunks: Sources['chunks'] = []
  #supported = false
  /** By what they say: a stream may repeat them. */
  readonly #found = new Map<string, { readonly source: Source, readonly segment: Segment }>()
  #length = 0

  /** A part begins: in a whole answer each is one, in a stream what comes in one go. */
  part (kind: PartKind): void {
    this.#last = kind
    if (this.#parts.length < MAX_PARTS) this.#parts.push(kind === 'content' ? this.#offsets.bytes : undefined)
  }

  /** In a stream: a part begins if the one before was of another kind. */
  partOf (kind: PartKind): void {
    if (kind !== this.#last) this.part(kind)
  }

  content (text: string): void { this.#offsets.add(text) }

  /** A piece of the content in a stream, as JSON. */
  plainContent ({ textJson, ascii }: Pick<PlainEvent, 'textJson' | 'ascii'>): void {
    if (this.#last !== 'content') this.part('content')
    if (ascii) this.#offsets.addAscii(textJson.length - 2)
    else this.#offsets.addJson(textJson)
  }

  /** @throws {UpstreamError} `malformed`: there is no end to them */
  add ({ chunks, supports, citations }: Sources): void {
    if (chunks.length > 0) this.#chunks = chunks
    for (const { segment, chunks: indices } of supports) {
      this.#supported = true
      for (const index of indices) this.#note(this.#chunks[index], segment)
    }
    // They count in the whole content, whatever part it is in.
    for (const { source, segment } of citations) this.#note(source, { ...segment, part: -1 })
  }

  /** What there is, in the order in which it came. */
  list (): Annotation[] {
    const { units } = this.#offsets
    // What the whole answer was made from, and no part of it in particular.
    if (!this.#supported) for (const chunk of this.#chunks) this.#note(chunk, { part: -1, start: 0, end: undefined })
    return [...this.#found.values()].flatMap(({ source, segment: { part, start, end } }) => {
      const base = this.#parts[part] ?? 0
      const startIndex = this.#offsets.unitAt(base + start)
      const endIndex = end === undefined ? units : this.#offsets.unitAt(base + end)
      return startIndex === undefined || endIndex === undefined ? [] : [annotationOf(source, startIndex, Math.max(startIndex, endIndex))]
    })
  }

  #note (source: Source | undefined, segment: Segment): void {
    if (source === undefined) return
    const key = JSON.stringify([source, segment])
    if (this.#found.has(key)) return
    this.#found.set(key, { source, segment })
    this.#length += key.length
    if (this.#length > MAX_LENGTH) throw new UpstreamError('malformed', 'The provider names more sources than the gateway accepts.')
  }
}

function annotationOf (source: Source, startIndex: number, endIndex: number): Annotation {
  if (source.kind === 'url') {
    return { type: 'url_citation', url_citation: { url: source.url, title: source.title, start_index: startIndex, end_index: endIndex } }
  }
  const { title, page, text } = source
  return {
    type: 'document_citation',
    document_citation: {
      ...(title === undefined ? {} : { title }),
      ...(page === undefined ? {} : { start: page, end: page, unit: 'page' as const }),
      ...(text === undefined ? {} : { cited_text: text }),
      start_index: startIndex,
      end_index: endIndex
    }
  }
}
