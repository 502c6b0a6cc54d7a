import { dataOf } from '../stream-log/frame-text.ts'
import { ChunkFrames } from '../streams/sse-frames.ts'
import type { Dialect } from './dialect.ts'

/** The core's own format: everything leaves as it is. */
export const chatCompletions: Dialect = {
  name: 'chat_completions',
  asked: undefined,
  whole: json => json,
  frames: errorOf => new ChunkFrames(error => JSON.stringify(errorOf(error).toBody())),
  chunksIn: frames => dataOf(frames).filter(data => data !== '[DONE]')
}
