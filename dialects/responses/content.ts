import { withCacheControl } from '../../schemas/carried.ts'
import type { PromptCacheBreakpoint } from '../../schemas/cache-control.ts'
import type { ContentPart } from '../../schemas/messages.ts'
import type { InputContent, InputFile, InputImage, InputPart } from '../../schemas/responses-input.ts'
import { invalidValue, unsupported } from './unsupported.ts'

/**
 * The content of a message, or of a tool's output, in the core's format. A string stays one.
 * @param path of the content, for errors
 */
export function contentOf (content: InputContent, path: string): string | ContentPart[] {
  return typeof content === 'string' ? content : content.map((part, i) => partOf(part, `${path}[${i}]`))
}

function partOf (part: InputPart, path: string): ContentPart {
  switch (part.type) {
    case 'input_text': return withBreakpoint({ type: 'text', text: part.text }, part)
    case 'output_text': return { type: 'text', text: part.text }
    case 'refusal': return { type: 'refusal', refusal: part.refusal }
    case 'input_image': return withBreakpoint(imageOf(part, path), part)
    case 'input_file': return withBreakpoint(fileOf(part, path), part)
    case 'input_audio': return { type: 'input_audio', input_audio: part.input_audio }
    default: throw unsupported(`${path}.type`, 'this kind of content has no counterpart')
  }
}

function imageOf ({ image_url: url, file_id: fileId, detail }: InputImage, path: string): ContentPart {
  if (fileId != null) throw unsupported(`${path}.file_id`, 'there is no file store; send the image as a URL')
  if (url == null) throw invalidValue(`${path}.image_url`, 'is required')
  if (detail === 'original') throw unsupported(`${path}.detail`, '"original" has no counterpart; use high')
  return { type: 'image_url', image_url: { url, ...(detail == null ? {} : { detail }) } }
}

/** By id is left to the target, which may have a file store. */
function fileOf ({ file_data: data, file_id: id, file_url: url, filename, detail }: InputFile, path: string): ContentPart {
  if (url != null) throw unsupported(`${path}.file_url`, 'files are not fetched; send file_data')
  if (detail != null && detail !== 'auto') throw unsupported(`${path}.detail`, 'it has no counterpart')
  if (data == null && id == null) throw invalidValue(`${path}.file_data`, 'is required')
  return {
    type: 'file',
    file: {
      ...(data == null ? {} : { file_data: data }),
      ...(id == null ? {} : { file_id: id }),
      ...(filename == null ? {} : { filename })
    }
  }
}

/** The hint that the prompt be cached up to here, as OpenAI's field and as what other providers understand. */
function withBreakpoint (part: ContentPart, { prompt_cache_breakpoint: breakpoint }: { readonly prompt_cache_breakpoint?: PromptCacheBreakpoint | null }): ContentPart {
  if (breakpoint == null) return part
  // OpenAI's 30 minutes are more than the five that others keep, and less than their hour.
  return withCacheControl({ ...part, prompt_cache_breakpoint: breakpoint }, { type: 'ephemeral', ttl: '1h' })
}
