import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { Type } from 'typebox'
import { componentSchemas } from '../../openapi/components.ts'
import { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { taggedUnion } from '../../schemas/tagged-union.ts'
import { CHAT_COMPLETION_REQUESTS } from '../fixtures/chat-completion-requests.ts'

const cat = Type.Object({ kind: Type.Literal('cat'), lives: Type.Integer() }, { title: 'Cat' })
const dog = Type.Object({ kind: Type.Literal('dog') }, { title: 'Dog' })

t.test('a tagged union is a choice with a discriminator', async t => {
  const schemas = componentSchemas()
  const pet = taggedUnion('kind', { cat, dog }, { title: 'Pet', description: 'Either.' })
  t.same(schemas.refer({ ...pet }), { $ref: '#/components/schemas/Pet' })
  t.same(schemas.named.get('Pet'), {
    title: 'Pet',
    description: 'Either.',
    oneOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }],
    discriminator: { propertyName: 'kind', mapping: { cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog' } }
  })
  t.same([...schemas.named.keys()].sort(), ['Cat', 'Dog', 'Pet'])
})

t.test('an open one has a place for what is not named', async t => {
  const schema = componentSchemas().refer({ ...taggedUnion('kind', { dog }, { open: true }) })
  t.match(schema, { oneOf: [{ $ref: '#/components/schemas/Dog' }, { type: 'object', required: ['kind'], properties: { kind: { type: 'string', not: { enum: ['dog'] } } } }] })
})

t.test('branches without a name are told apart by their tag alone', async t => {
  const schema = componentSchemas().refer({ ...taggedUnion('kind', { fish: Type.Object({ kind: Type.Literal('fish') }) }) })
  t.same(schema, { oneOf: [{ type: 'object', required: ['kind'], properties: { kind: { type: 'string', const: 'fish' } } }] })
})

t.test('maps have their values under additionalProperties', async t => {
  t.same(componentSchemas().refer({ ...Type.Record(Type.String(), Type.Number()) }), { type: 'object', additionalProperties: { type: 'number' } })
})

t.test('what is documented takes what the validator takes, and refuses what that refuses', async t => {
  const schemas = componentSchemas()
  const reference = schemas.refer({ ...ChatCompletionRequest })
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema({ $id: 'document', components: { schemas: Object.fromEntries(schemas.named) } })
  const validate = ajv.compile({ $ref: `document${String(reference['$ref'])}` })
  for (const [form, params] of Object.entries(CHAT_COMPLETION_REQUESTS)) t.ok(validate(params), form)
  const message = { role: 'user', content: 'Hi' }
  for (const body of [
    {},
    { messages: [{ role: 'robot' }] },
    { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
    { messages: [message], n: '1' },
    { messages: [message], tools: [{ type: 'function' }] },
    { messages: [message], tool_choice: 'maybe' }
  ]) t.notOk(validate(body), JSON.stringify(body))
  t.ok(validate({ messages: [{ role: 'user', content: [{ type: 'video_url' }] }], tools: [{ type: 'web_search' }], top_k: 1, more: true }))
})
