import { Ajv } from 'ajv'
import type { FastifyPluginAsync, FastifySchemaCompiler } from 'fastify'
import fp from 'fastify-plugin'
import type { TSchema } from 'typebox'
import { invalidRequest } from '../errors/gateway-error.ts'
import { withDefinitions } from '../schemas/named-schemas.ts'

/**
 * Levels of nesting in a body: more than any real request has, and few enough for everything that walks it.
 * `JSON.stringify` fails at some thousand, which would look like a failure of the target.
 */
const MAX_DEPTH = 128

/**
 * Validates requests: bodies as they are (no type is coerced, nothing is removed or filled in, so that what passes
 * through is what the caller sent), query strings with coercion, as everything in them is text.
 */
const validation: FastifyPluginAsync = async fastify => {
  // Neither named schemas in place of references nor Ajv's pass over its own code: V8 does no better by them, and each costs a
  // start tens of ms.
  const strict = new Ajv({ strict: false, allErrors: false, inlineRefs: false, code: { optimize: false } })
  const coercing = new Ajv({ strict: false, coerceTypes: true, useDefaults: true, formats: { 'date-time': isTime } })
  const compiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => httpPart === 'body' ? strict.compile(withDefinitions(schema)) : coercing.compile(schema)
  fastify.setValidatorCompiler(compiler)
  fastify.addHook('preValidation', ({ body }, _reply, done) => {
    done(isTooDeep(body) ? invalidRequest('The body is nested too deeply.', null, 'invalid_json') : undefined)
  })
}

/** Level by level, since a walk that calls itself would fail where it is needed. */
function isTooDeep (body: unknown): boolean {
  let level = [body].filter(isNested)
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === MAX_DEPTH) return true
    const next: object[] = []
    for (const value of level) for (const item of Object.values(value)) if (isNested(item)) next.push(item)
    level = next
  }
  return false
}

function isNested (value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isTime (text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text))
}

export default fp(validation, { name: 'validation', fastify: '5.x' })
