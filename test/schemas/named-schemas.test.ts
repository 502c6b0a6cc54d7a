import { Ajv } from 'ajv'
import t from 'tap'
import { NamedSchemas, withDefinitions } from '../../schemas/named-schemas.ts'

const refTo = (name: string) => `#/$defs/${name}`
const part = { title: 'Part', type: 'object', properties: { title: { type: 'string' } } }

t.test('named schemas are taken out, wherever they stand, and each once', async t => {
  const schema = {
    $id: 'Root',
    type: 'object',
    properties: { one: part, many: { type: 'array', items: { ...part } } },
    allOf: [{ if: {}, then: { $id: 'Inner', anyOf: [part, { type: 'null' }] } }]
  }
  const schemas = new NamedSchemas(refTo)
  t.same(schemas.contentOf(schema), {
    type: 'object',
    properties: { one: { $ref: '#/$defs/Part' }, many: { type: 'array', items: { $ref: '#/$defs/Part' } } },
    allOf: [{ if: {}, then: { $ref: '#/$defs/Inner' } }]
  })
  t.same(Object.fromEntries(schemas.named), { Part: part, Inner: { anyOf: [{ $ref: '#/$defs/Part' }, { type: 'null' }] } })
})

t.test('what only looks like a schema stays as it is', async t => {
  const schema = {
    title: 'A title that is prose',
    properties: { title: { const: { title: 'Data' } }, items: { title: 'Also prose, not a name', enum: [{ $id: 'Data' }] } },
    examples: [{ items: { title: 'Data' } }],
    default: { properties: { a: { title: 'Data' } } },
    items: true
  }
  const schemas = new NamedSchemas(refTo)
  t.same(schemas.refer(schema), schema)
  t.equal(schemas.named.size, 0)
})

t.test('two schemas of one name have to be the same', async t => {
  t.throws(() => withDefinitions({ properties: { a: part, b: { ...part, type: 'string' } } }), { message: 'two schemas have the name Part' })
})

t.test('references by name become references to where it stands now', async t => {
  const tree = { $id: 'Tree', type: 'object', properties: { children: { type: 'array', items: { $ref: 'Tree' } } } }
  const schema = withDefinitions({ type: 'object', properties: { tree } })
  const validate = new Ajv().compile(schema)
  t.ok(validate({ tree: { children: [{ children: [] }] } }))
  t.notOk(validate({ tree: { children: [{ children: [5] }] } }))
})
