import t from 'tap'
import { isNova, modelOf } from '../../../providers/bedrock/model.ts'

t.test('vendors, through inference profiles and ARNs', async t => {
  for (const [id, vendor] of [
    ['anthropic.claude-3-haiku-20240307-v1:0', 'anthropic'],
    ['us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic'],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0', 'amazon'],
    ['arn:aws:bedrock:us-east-1::foundation-model/openai.gpt-oss-20b-1:0', 'openai'],
    ['deepseek.r1-v1:0', 'deepseek'],
    ['meta.llama3-1-70b-instruct-v1:0', 'other'],
    ['arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2', 'hidden'],
    ['model-placeholder', 'hidden']
  ] as const) t.equal(modelOf(id).vendor, vendor, id)
  t.ok(isNova(modelOf('eu.amazon.nova-micro-v1:0')))
  t.notOk(isNova(modelOf('amazon.titan-text-express-v1')))
})

t.test('versions of Claude', async t => {
  for (const [name, version] of [
    ['claude-v2:1', 0], ['claude-instant-v1', 0], ['claude-3-haiku-20240307-v1:0', 300], ['claude-3-5-sonnet-20241022-v2:0', 305], ['claude-3-7-sonnet-20250219-v1:0', 307],
    ['claude-sonnet-4-20250514-v1:0', 400], ['claude-opus-4-1-20250805-v1:0', 401], ['claude-haiku-4-5-20251001-v1:0', 405], ['claude-opus-4-6-v1', 406],
    ['claude-sonnet-4-6', 406], ['claude-opus-5', 500], ['claude-opus-4-10-v1', 410]
  ] as const) t.equal(modelOf(`eu.anthropic.${name}`).claude, version, name)
  t.equal(modelOf('amazon.nova-pro-v1:0').claude, 0)
})
