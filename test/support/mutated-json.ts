/**
 * JSON that is nearly right: valid bodies with something in them replaced, removed or added, for properties of the kind
 * "whatever comes in".
 */
import fc from 'fast-check'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/** Names that every object has, and others that have gone wrong somewhere. */
const ODD_NAMES = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype', '__proto__', '', ' ', '.', '..', '../x', 'a/b', 'a b', 'ä', '😀', '\u0000', '\ud800', 'x'.repeat(300)]

const nested = (depth: number, inObjects: boolean): unknown => depth === 0 ? 0 : inObjects ? { a: nested(depth - 1, inObjects) } : [nested(depth - 1, inObjects)]

/** Values that a careless reader trips over. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(null, true, false, 0, -0, -1, 1, 1.5, 129, 2 ** 53, -(2 ** 53), 1e308, -1e308, 5e-324, '', '\u0000', '\ud800', '\udc00x', '\r\n\r\n', '[DONE]', '1', 'null', 'data:,', 'data:image/png;base64,', 'data:image/png;base64,AA==', 'https://x/y.png', [], {}, [[]], [null], [{}], [''], { '': '' }) },
  { weight: 3, arbitrary: fc.constantFrom(...ODD_NAMES) },
  { weight: 2, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(3, 60, 110, 126, 140), fc.boolean()).map(([depth, inObjects]) => nested(depth, inObjects)) },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(70_000), Array.from({ length: 2000 }, () => 'x')) })

type Step = string | number

/** Where a value has values in it, itself included. */
function pathsOf (value: unknown, path: readonly Step[] = []): ReadonlyArray<readonly Step[]> {
  const inner = Array.isArray(value)
    ? value.flatMap((item: unknown, at) => pathsOf(item, [...path, at]))
    : isJsonObject(value) ? Object.entries(value).flatMap(([name, item]) => pathsOf(item, [...path, name])) : []
  return [path, ...inner]
}

/** What to put in a value's place; undefined: nothing. */
type Change = (before: unknown) => unknown

/** A copy with the value at `path` changed. */
function changedAt (value: unknown, [step, ...rest]: readonly Step[], change: Change): unknown {
  if (step === undefined) return change(value)
  if (Array.isArray(value)) return value.map((item: unknown, at) => at === step ? changedAt(item, rest, change) : item)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, name === step ? changedAt(item, rest, change) : item]))
}

/** Where a change happens is a number, taken modulo the places that there are. */
type Mutation = (value: unknown) => unknown

function mutation (names: readonly string[]): fc.Arbitrary<Mutation> {
  const place = fc.nat(10_000)
  const at = (value: unknown, place: number, change: Change): unknown => {
    const paths = pathsOf(value)
    return changedAt(value, paths[place % paths.length] ?? [], change)
  }
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(place, oddValue).map(([place, odd]): Mutation => value => at(value, place, () => odd)) },
    { weight: 1, arbitrary: place.map((place): Mutation => value => at(value, place, () => undefined)) },
    { weight: 2, arbitrary: fc.tuple(place, fc.constantFrom(...names, ...ODD_NAMES), oddValue).map(([place, name, odd]): Mutation => value => at(value, place, before => isJsonObject(before) ? Object.fromEntries([...Object.entries(before), [name, odd]]) : before)) },
    { weight: 1, arbitrary: place.map((place): Mutation => value => at(value, place, before => Array.isArray(before) ? [...before, ...before] : [before])) })
}

/**
 * Bodies as JSON text: mutated valid ones for the most part, some that are valid, any JSON, and some that is none.
 * @param valid what is mutated
 * @param names of fields, which are added where they do not belong
 */
export function nearlyValid (valid: readonly JsonObject[], names: readonly string[]): fc.Arbitrary<string> {
  const mutated = fc.tuple(fc.constantFrom(...valid), fc.array(mutation(names), { maxLength: 3 })).map(([body, mutations]) => {
    const value = mutations.reduce<unknown>((value, mutate) => mutate(value), body)
    return JSON.stringify(value) ?? ''
  })
  return fc.oneof(
    { weight: 12, arbitrary: mutated },
    { weight: 1, arbitrary: fc.jsonValue().map(value => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...names), oddValue).map(value => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.tuple(mutated, fc.nat(1000)).map(([json, at]) => json.slice(0, at)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) })
}
