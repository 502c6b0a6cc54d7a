import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { anthropicSchema } from '../../../providers/bedrock/json-schema.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import { CLAUDE, NOVA, converse, refusal } from './converse.ts'

const AT = 'response_format.json_schema.schema'
const format = (schema: JsonObject) => ({ response_format: { type: 'json_schema' as const, json_schema: { name: 'answer', description: 'One', schema: { ...schema }, strict: true } } })
const object = (properties: JsonObject, rest: JsonObject = {}): JsonObject => ({ type: 'object', properties, additionalProperties: false, ...rest })

t.test('response_format json_schema', async t => {
  const schema = object({ a: { type: 'number' } })
  t.strictSame(converse(format(schema), CLAUDE).outputConfig, { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', description: 'One', schema: JSON.stringify(schema) } } } })
  t.equal(converse({ response_format: { type: 'text' } }).outputConfig, undefined)
  t.strictSame(refusal({ response_format: { type: 'json_schema', json_schema: { name: 'answer' } } }), { reason: 'invalid_request', param: AT })
})

t.test('what Anthropic\'s models cannot take of a schema is refused by its path', async t => {
  for (const [path, schema] of [
    ['.properties.n.minimum', object({ n: { type: 'integer', minimum: 1 } })],
    ['.properties.n.maximum', object({ n: { maximum: 1 } })],
    ['.properties.n.exclusiveMinimum', object({ n: { exclusiveMinimum: 1 } })],
    ['.properties.n.exclusiveMaximum', object({ n: { exclusiveMaximum: 1 } })],
    ['.properties.n.multipleOf', object({ n: { multipleOf: 1 } })],
    ['.properties.s.minLength', object({ s: { minLength: 1 } })],
    ['.properties.s.maxLength', object({ s: { maxLength: 1 } })],
    ['.items.maxItems', { type: 'array', items: { type: 'array', maxItems: 5 } }],
    ['.minItems', { type: 'array', minItems: 2 }],
    ['.uniqueItems', { type: 'array', uniqueItems: true }],
    ['.anyOf[1].minimum', { anyOf: [{ type: 'string' }, { minimum: 5 }] }],
    ['.properties.e.enum', object({ e: { enum: ['a', {}] } })],
    ['.additionalProperties', { type: 'object', properties: {} }],
    ['.additionalProperties', { type: 'object', additionalProperties: true }],
    ['.properties.o.additionalProperties', object({ o: { type: ['object', 'null'], additionalProperties: { type: 'string' } } })],
    ['.properties.o.additionalProperties', object({ o: { properties: {} } })],
    ['.properties.r.$ref', object({ r: { $ref: 'https://example.com/schema.json' } })],
    ['.properties.r.$ref', object({ r: { $ref: 5 } })],
    ['.properties.child.$ref.properties.child.$ref', object({ child: { $ref: '#' } })],
    ['.properties.a.$ref.properties.b.$ref.items.$ref', object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: object({ b: { $ref: '#/$defs/b' } }), b: { items: { $ref: '#/$defs/a' } } } })],
    ['.$defs.unused.minimum', object({}, { $defs: { unused: { minimum: 1 } } })]
  ] as const) {
    t.strictSame(refusal(format(schema), CLAUDE), { reason: 'unsupported', param: AT + path }, path)
    t.strictSame(refusal(format(schema), NOVA), { reason: 'none', param: undefined }, 'of other models nothing is documented')
  }
})

t.test('bounds that bind nothing, as zod gives every integer, are left out; a field of that name stays', async t => {
  const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
  const given = object({ n: { type: 'integer', ...safe }, list: { type: 'array', items: { anyOf: [{ type: 'integer', ...safe }, { type: 'null' }] } }, minimum: { type: 'integer', ...safe } }, { $defs: { d: { type: 'integer', ...safe } }, default: safe })
  const taken = object({ n: { type: 'integer' }, list: { type: 'array', items: { anyOf: [{ type: 'integer' }, { type: 'null' }] } }, minimum: { type: 'integer' } }, { $defs: { d: { type: 'integer' } }, default: safe })
  t.strictSame(anthropicSchema({ ...given }, AT), taken)
  t.match(converse(format(given), CLAUDE).outputConfig, { textFormat: { structure: { jsonSchema: { schema: JSON.stringify(taken) } } } })
  t.match(converse(format(given), NOVA).outputConfig, { textFormat: { structure: { jsonSchema: { schema: JSON.stringify(given) } } } })
})

t.test('what they can take', async t => {
  for (const schema of [
    object({ a: { type: ['string', 'null'], enum: ['a', null, 1, true] }, b: { const: 'x' }, c: { type: 'string', format: 'date-time', pattern: '^a', default: 'b' } }, { required: ['a'] }),
    { type: 'array', minItems: 1, items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    object({ a: { $ref: '#/$defs/x' }, b: { $ref: '#/definitions/y~1z' } }, { $defs: { x: { type: 'string' } }, definitions: { 'y/z': object({ again: { $ref: '#/$defs/x' } }) } }),
    object({ minimum: { type: 'number' }, maxLength: { type: 'number' }, additionalProperties: { type: 'boolean' }, $ref: { type: 'string' } }),
    object({ a: { $ref: '#/$defs/missing' } }),
    {}
  ]) t.strictSame(refusal(format(schema), CLAUDE), { reason: 'none', param: undefined }, JSON.stringify(schema))
})

t.test('however deep, it is refused and not fallen over', async t => {
  let schema: JsonObject = {}
  for (let depth = 0; depth < 100_000; depth++) schema = { type: 'array', items: schema }
  t.match(refusal(format(schema), CLAUDE), { reason: 'unsupported' })
  const defs = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`d${index}`, { anyOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] }]))
  t.strictSame(refusal(format({ $ref: '#/$defs/d0', $defs: defs }), CLAUDE), { reason: 'none', param: undefined }, 'and each definition is looked at once')
})

t.test('any JSON is a schema, or refused', async () => {
  const keyword = fc.constantFrom('type', 'properties', 'items', '$ref', '$defs', 'anyOf', 'enum', 'minimum', 'minItems', 'additionalProperties', 'a')
  const { schema } = fc.letrec(tie => ({
    schema: fc.dictionary(keyword, fc.oneof({ maxDepth: 4 }, fc.constantFrom('object', '#', '#/$defs/a', '#/properties/a/items', false, null, 1), tie('schema'), fc.array(tie('schema'), { maxLength: 2 })), { maxKeys: 4 })
  }))
  fc.assert(fc.property(schema, value => {
    try {
      anthropicSchema(JSON.parse(JSON.stringify(value)), AT)
    } catch (error) {
      return error instanceof UpstreamError && error.reason === 'unsupported' && error.param?.startsWith(AT) === true
    }
    return true
  }))
})
