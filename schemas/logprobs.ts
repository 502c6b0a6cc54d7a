import { Type } from 'typebox'
import type { Static } from 'typebox'
import { OrNull } from './nullable.ts'

const token = {
  token: Type.String(),
  logprob: Type.Number({ description: 'Natural logarithm of its probability; -9999 stands for very unlikely.' }),
  bytes: OrNull(Type.Array(Type.Integer(), { description: 'Of its UTF-8: a character may be spread over tokens.' }))
}

/** One token of an answer, and what could have stood there. */
export const TokenLogprob = Type.Object({
  ...token,
  top_logprobs: Type.Array(Type.Object(token), { description: 'The likeliest tokens at this place.' })
}, { title: 'TokenLogprob' })
export type TokenLogprob = Static<typeof TokenLogprob>

/** `logprobs` of a choice. */
export const Logprobs = Type.Object({
  content: OrNull(Type.Array(TokenLogprob)),
  refusal: Type.Optional(OrNull(Type.Array(TokenLogprob)))
}, { title: 'Logprobs', description: 'Log probabilities of the tokens, where the request has `logprobs`.' })
export type Logprobs = Static<typeof Logprobs>
