import { Type } from 'typebox'
import type { Static } from 'typebox'

const tokens = (description: string) => Type.Optional(Type.Integer({ description }))

/** Token counts. Cached tokens are part of the prompt's, reasoning tokens part of the completion's. */
export const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Optional(Type.Object({
    cached_tokens: tokens('Read from a cache.'),
    cache_write_tokens: tokens('Written to a cache.'),
    audio_tokens: tokens('Of sound.'),
    image_tokens: tokens('Of images.'),
    text_tokens: tokens('Of text.')
  }, { description: 'What the prompt\'s are made of.' })),
  completion_tokens_details: Type.Optional(Type.Object({
    reasoning_tokens: tokens('Of reasoning.'),
    audio_tokens: tokens('Of sound.'),
    text_tokens: tokens('Of text.'),
    accepted_prediction_tokens: tokens('Of the `prediction` that the answer holds.'),
    rejected_prediction_tokens: tokens('Of the `prediction` that it does not hold; they count all the same.')
  }, { description: 'What the completion\'s are made of.' }))
}, { title: 'Usage', description: 'Token counts. Cached tokens are part of the prompt\'s, reasoning tokens part of the completion\'s.' })
export type Usage = Static<typeof Usage>
