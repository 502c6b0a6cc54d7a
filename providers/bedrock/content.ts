import type { ContentBlock, SystemContentBlock, ToolResultContentBlock } from '@aws-sdk/client-bedrock-runtime'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { Content, ContentPart } from '../../schemas/messages.ts'
import { DocumentNames, audioBlock, documentBlock, imageBlock, videoBlock } from './attachments.ts'
import { cacheRulesOf, withCachePoint } from './cache-points.ts'
import type { CachePoint, CacheRules } from './cache-points.ts'
import { unsupported } from './errors.ts'
import type { Model } from './model.ts'

/** What the contents of one request have in common. */
export class ContentScope {
  readonly model: Model
  readonly cacheRules: CacheRules
  readonly documentNames = new DocumentNames()

  constructor (model: Model) {
    this.model = model
    this.cacheRules = cacheRulesOf(model)
  }
}

/** Blocks that stand in messages and in tool results alike. */
type PlainBlock = ContentBlock.TextMember | ContentBlock.ImageMember | ContentBlock.DocumentMember | ContentBlock.VideoMember

/** Blank text says nothing, and Converse refuses it. */
export function textBlocks (text: string): ContentBlock.TextMember[] { return text.trim() === '' ? [] : [{ text }] }

/** What a user says. Errors name the field by `at`. */
export function userBlocks (content: Content, scope: ContentScope, at: string): ContentBlock[] {
  if (typeof content === 'string') return textBlocks(content)
  return content.flatMap((part, index): ContentBlock[] => {
    const field = `${at}.content[${index}]`
    const blocks: ContentBlock[] = part.type === 'input_audio' ? [audio(part, scope.model, field)] : partBlocks(part, scope, field)
    return withCachePoint(blocks, part, scope.cacheRules)
  })
}

/**
 * What a tool returned: as text, character for character, since it is not for the gateway to read; or images and files.
 * Cache points cannot stand in it: the one that a part asks for goes after the result.
 */
export function resultBlocks (content: Content, scope: ContentScope, at: string): ToolResultContentBlock[] {
  if (typeof content === 'string') return textBlocks(content)
  return content.flatMap((part, index) => {
    const field = `${at}.content[${index}]`
    if (part.type === 'input_audio') throw unsupported(`${field}.input_audio`, 'audio in the result of a tool')
    return partBlocks(part, scope, field)
  })
}

/** Content in which only text can stand: the assistant's and the system's. */
export function onlyText (content: Content, { cacheRules }: ContentScope, at: string): (ContentBlock.TextMember | CachePoint)[] {
  if (typeof content === 'string') return textBlocks(content)
  return content.flatMap((part, index) => {
    const text = textOf(part)
    if (text === undefined) throw unsupported(`${at}.content[${index}].type`, 'anything but text in a message of this role')
    return withCachePoint(textBlocks(text), part, cacheRules)
  })
}

/** Likewise, as blocks of the system prompt. */
export function systemBlocks (content: Content, scope: ContentScope, at: string): (SystemContentBlock | CachePoint)[] {
  return onlyText(content, scope, at).map(block => 'text' in block ? { text: block.text } : block)
}

function textOf (part: ContentPart): string | undefined {
  if (part.type === 'text') return part.text
  return part.type === 'refusal' ? part.refusal : undefined
}

function partBlocks (part: ContentPart, { model, documentNames }: ContentScope, field: string): PlainBlock[] {
  const kind: string = part.type // the list of kinds is open
  if (kind === 'video_url') return [video(part, model, field)]
  switch (part.type) {
    case 'text': return textBlocks(part.text)
    case 'refusal': return textBlocks(part.refusal)
    case 'image_url': return [imageBlock(part.image_url.url, `${field}.image_url.url`)]
    case 'file': return [documentBlock(part.file, { names: documentNames, citations: asksForCitations(part), param: `${field}.file` })]
    default: throw unsupported(`${field}.type`, 'this kind of content')
  }
}

/** Anthropic's models neither hear nor watch; which of the others do, Bedrock knows. */
function audio (part: Extract<ContentPart, { type: 'input_audio' }>, { vendor }: Model, field: string): ContentBlock.AudioMember {
  if (vendor === 'anthropic') throw unsupported(`${field}.input_audio`, 'audio for this model')
  return audioBlock(part.input_audio, `${field}.input_audio`)
}

/** As compatible servers have it: `{type: 'video_url', video_url: {url}}`. */
function video (part: object, { vendor }: Model, field: string): ContentBlock.VideoMember {
  const source = 'video_url' in part ? part.video_url : undefined
  const url = isJsonObject(source) ? source['url'] : undefined
  if (vendor === 'anthropic' || typeof url !== 'string') throw unsupported(`${field}.video_url`, 'this video for this model')
  return videoBlock(url, `${field}.video_url.url`)
}

/** Whether a request asks for citations of one of its documents. */
export function hasCitations ({ messages }: ChatCompletionRequest): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some(asksForCitations))
}

/** A field beside `file`, which Anthropic's dialect has on its documents: `citations: {enabled: true}`. */
function asksForCitations (part: object): boolean {
  return 'citations' in part && isJsonObject(part.citations) && part.citations['enabled'] === true
}
