/** What a model's id says of it; requests to different families say the same thing differently. */

/** Families that have rules of their own here. `hidden`: the ARN of one's own profile or throughput, which does not say. */
export type Vendor = 'amazon' | 'anthropic' | 'deepseek' | 'mistral' | 'moonshot' | 'openai' | 'qwen' | 'other' | 'hidden'

export interface Model {
  readonly vendor: Vendor
  /** The vendor's part of the id, in full: `claude-sonnet-4-5-20250929-v1:0`; empty where it is hidden. */
  readonly name: string
  /** Of Anthropic's models, as 100 times the major plus the minor version (406 is Claude 4.6); 0 of others and if unknown. */
  readonly claude: number
}

/** The vendor is a part of the id that inference profiles keep: `eu.anthropic.claude-…`. */
const KNOWN = /(?:^|[./])(amazon|anthropic|deepseek|mistral|moonshot|openai|qwen)\.([^/]+)$/
/** `claude-opus-4-6-v1`, `claude-sonnet-4-20250514-v1:0` (where a date follows, not a minor version), `claude-opus-5`. */
const CLAUDE = /^claude-[a-z]+-(\d+)(?:-(\d{1,2})(?!\d))?/
/** `claude-3-7-sonnet-…`, `claude-3-haiku-…`. */
const EARLIER_CLAUDE = /^claude-(\d)(?:-(\d))?-[a-z]/

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html */
export function modelOf (id: string): Model {
  const [, vendor, name = ''] = KNOWN.exec(id) ?? []
  switch (vendor) {
    case 'anthropic': return { vendor, name, claude: claudeVersion(name) }
    case 'amazon':
    case 'deepseek':
    case 'mistral':
    case 'moonshot':
    case 'openai':
    case 'qwen': return { vendor, name, claude: 0 }
    default: return { vendor: id.includes('.') ? 'other' : 'hidden', name: '', claude: 0 }
  }
}

function claudeVersion (name: string): number {
  const [, major, minor = '0'] = CLAUDE.exec(name) ?? EARLIER_CLAUDE.exec(name) ?? []
  return major === undefined ? 0 : Number(major) * 100 + Number(minor)
}

/** Claude from 4.6 on does not. */
const PREFILL_ENDS = 406

/**
 * Whether the model is known to go on with what the assistant has begun to say.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response
 */
export function takesPrefill ({ claude }: Model): boolean { return claude > 0 && !refusesPrefill({ claude }) }

/** Whether it is known to refuse that. */
export function refusesPrefill ({ claude }: Pick<Model, 'claude'>): boolean { return claude >= PREFILL_ENDS }

/** Amazon's own models that Converse serves, but for the older Titan. */
export function isNova ({ vendor, name }: Model): boolean { return vendor === 'amazon' && name.startsWith('nova-') }
