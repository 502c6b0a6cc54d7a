import { Ajv } from 'ajv'
import t from 'tap'
import { Type } from 'typebox'
import { Nullable, OrNull } from '../../schemas/nullable.ts'

t.test('null is taken beside what the schema takes, and nothing else is', async t => {
  const cases = [
    { schema: Type.String({ minLength: 2 }), right: 'ab', wrong: 'a' },
    { schema: Type.Integer(), right: 1, wrong: 1.5 },
    { schema: Type.Array(Type.String()), right: ['a'], wrong: [1] },
    { schema: Type.Object({ a: Type.Boolean() }), right: { a: true }, wrong: {} },
    { schema: Type.Object({ a: Type.Boolean() }, { title: 'Named' }), right: { a: true }, wrong: {} },
    { schema: Type.Record(Type.String(), Type.Number()), right: { a: 1 }, wrong: { a: 'b' } },
    { schema: Type.Literal('a'), right: 'a', wrong: 'b' },
    { schema: Type.Enum(['a', 'b']), right: 'b', wrong: 'c' },
    { schema: Type.Union([Type.String(), Type.Integer()]), right: 5, wrong: true }
  ]
  for (const { schema, right, wrong } of cases) {
    const validate = new Ajv({ allowUnionTypes: true }).compile(OrNull(schema))
    const named = JSON.stringify(schema)
    t.ok(validate(null), named)
    t.ok(validate(right), named)
    t.notOk(validate(wrong), named)
    t.notOk(validate(undefined), named)
  }
})

t.test('a field of this kind may be left out', async t => {
  const validate = new Ajv().compile(Type.Object({ a: Nullable(Type.String()) }))
  for (const value of [{}, { a: null }, { a: 'x' }]) t.ok(validate(value))
  t.notOk(validate({ a: 5 }))
})
