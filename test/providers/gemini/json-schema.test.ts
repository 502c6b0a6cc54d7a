import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { geminiSchema } from '../../../providers/gemini/json-schema.ts'
import type { SchemaUse } from '../../../providers/gemini/json-schema.ts'
import type { JsonSchema } from '../../../schemas/tools.ts'

const STRICT: SchemaUse = { strict: true, answer: true }
const LOOSE: SchemaUse = { strict: false, answer: true }

const translate = (schema: JsonSchema, use = STRICT) => geminiSchema(schema, 'schema', use)

function refusal (schema: JsonSchema, use = STRICT): Pick<UpstreamError, 'reason' | 'param'> | 'taken' {
  try {
    translate(schema, use)
    return 'taken'
  } catch (error) {
    if (error instanceof UpstreamError) return { reason: error.reason, param: error.param }
    throw error
  }
}

t.test('what it takes goes as it is', async t => {
  for (const schema of [
    {},
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'x',
      type: 'object',
      title: 'A',
      description: 'An a.',
      properties: {
        // Names of properties, and no keywords.
        pattern: { type: ['string', 'null'], format: 'date-time', default: null, examples: ['x'] },
        const: { type: 'integer', minimum: 1, maximum: 5, enum: [1, 2] },
        list: { type: 'array', items: { anyOf: [{ $ref: '#/$defs/a%20b' }, { type: 'null' }] }, minItems: 1, maxItems: 3 },
        pair: { type: 'array', prefixItems: [{ type: 'string' }, { oneOf: [{ type: 'number' }] }], items: false }
      },
      required: ['const'],
      additionalProperties: false,
      propertyOrdering: ['const', 'pattern'],
      $defs: { 'a b': { type: 'object', additionalProperties: { type: 'string' } } },
      'x-note': 1
    }
  ]) t.strictSame(translate(schema), schema)
})

t.test('other words for the same', async t => {
  t.strictSame(translate({ const: 'a' }), { type: 'string', enum: ['a'] })
  t.strictSame(translate({ type: 'integer', const: 7 }), { type: 'integer', enum: [7] })
  t.strictSame(translate({ $ref: '#/$defs/a', description: 'One.', $defs: { a: { type: 'string' } } }), {
    description: 'One.', $defs: { a: { type: 'string' } }, anyOf: [{ $ref: '#/$defs/a' }]
  })
  t.strictSame(translate({ allOf: [{ type: 'string' }], title: 'A' }), { anyOf: [{ type: 'string' }], title: 'A' })
  t.strictSame(translate({ items: { $ref: '#/definitions/a' }, definitions: { a: { properties: { b: true } } } }), {
    items: { $ref: '#/$defs/a' }, $defs: { a: { properties: { b: {} } } }
  })
})

t.test('what it would ignore is refused where the caller relies on it, with its path', async t => {
  for (const [keyword, value] of Object.entries({
    minLength: 1,
    maxLength: 5,
    pattern: '^a',
    multipleOf: 2,
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
    uniqueItems: true,
    contains: {},
    minProperties: 1,
    patternProperties: {},
    propertyNames: {},
    not: {},
    if: {},
    then: {},
    else: {},
    dependentRequired: {},
    unevaluatedProperties: false,
    nullable: true,
    const: null,
    enum: ['a', null],
    allOf: [{}, {}]
  })) {
    const schema = { type: 'object', properties: { a: { [keyword]: value } } }
    t.strictSame(refusal(schema), { reason: 'unsupported', param: `schema.properties.a.${keyword}` })
    t.strictSame(translate(schema, LOOSE), schema)
  }
  t.strictSame(refusal({ anyOf: [{}, { items: { pattern: 'a' } }] }), { reason: 'unsupported', param: 'schema.anyOf[1].items.pattern' })
  t.strictSame(refusal({ $defs: { a: { prefixItems: [{ maxLength: 1 }] } } }), { reason: 'unsupported', param: 'schema.$defs.a.prefixItems[0].maxLength' })
})

t.test('references', async t => {
  t.strictSame(refusal({ $ref: 'https://example.com/schema' }, LOOSE), { reason: 'unsupported', param: 'schema.$ref' })
  t.strictSame(refusal({ properties: { a: { $ref: '#/$defs/b' } } }, LOOSE), { reason: 'invalid_request', param: 'schema.properties.a.$ref' })
  t.strictSame(refusal({ $ref: '#/$defs/a', anyOf: [{}], $defs: { a: {} } }, LOOSE), { reason: 'unsupported', param: 'schema.$ref' })
  t.equal(refusal({ properties: { a: { $ref: '#anchor' }, b: { $ref: '#/anyOf/0' } }, anyOf: [{ $anchor: 'anchor' }] }), 'taken')
})

t.test('a schema contains itself only by what need not be there', async t => {
  const tree = (required: string[]) => ({
    $ref: '#/$defs/node',
    $defs: { node: { type: 'object', properties: { next: { anyOf: [{ $ref: '#/$defs/link' }, { type: 'null' }] } }, required }, link: { type: 'array', items: { $ref: '#/$defs/node' } } }
  })
  t.equal(refusal(tree([])), 'taken')
  t.strictSame(refusal(tree(['next'])), { reason: 'unsupported', param: 'schema.$defs.link.items.$ref' })
  t.strictSame(refusal(tree(['next']), LOOSE), { reason: 'unsupported', param: 'schema.$defs.link.items.$ref' })
  t.equal(refusal(tree(['next']), { strict: true, answer: false }), 'taken', 'for tools nothing is said of it')
  t.strictSame(refusal({ properties: { a: { $ref: '#' } }, required: ['a'] }), { reason: 'unsupported', param: 'schema.properties.a.$ref' })
  t.equal(refusal({ properties: { a: { $ref: '#/$defs/a' }, b: { $ref: '#/$defs/a' } }, required: ['a', 'b'], $defs: { a: {} } }), 'taken', 'twice is no cycle')
})

t.test('what is no schema', async t => {
  for (const [schema, param] of [
    [{ items: 5 }, 'schema.items'], [{ anyOf: {} }, 'schema.anyOf'], [{ anyOf: [null] }, 'schema.anyOf[0]'], [{ properties: [] }, 'schema.properties'], [{ properties: { a: false } }, 'schema.properties.a'],
    [{ $ref: 1 }, 'schema.$ref']
  ] as const) t.strictSame(refusal(schema, LOOSE), { reason: 'invalid_request', param })
})

t.test('neither depth nor length breaks it', async t => {
  let deep: JsonSchema = {}
  for (let i = 0; i < 10_000; i++) deep = { items: deep }
  t.match(refusal(deep, LOOSE), { reason: 'unsupported', param: /^schema(\.items){65}$/ })
  const count = 10_000
  const $defs = Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, i === count - 1 ? {} : { $ref: `#/$defs/d${i + 1}` }]))
  t.match(refusal({ $ref: '#/$defs/d0', $defs }, LOOSE), { reason: 'unsupported' })
})
