import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'

/** Runs `callback` once `ms` have passed; gives what calls it off. */
export type Schedule = (ms: number, callback: () => void) => () => void

/** How lost connections are made again. */
export interface ReconnectOptions {
  /** How many connections may fail in a row, each frame that comes begins anew. Default 8. */
  readonly maxTries?: number | undefined
  /** The first pause, in ms, doubled with each try; half of each is random. Default 250. */
  readonly minDelayMs?: number | undefined
  /** The longest pause, in ms. Default 10 000. */
  readonly maxDelayMs?: number | undefined
  /** The longest `retry-after` that is waited for, in ms; a longer one is an error. Default 60 000. */
  readonly maxRetryAfterMs?: number | undefined
}

/** Where the gateway is, and how it is talked to. */
export interface GatewayOptions {
  /** As OpenAI's clients want it: `https://gateway.example/v1`. */
  readonly baseURL: string | URL
  /** Sent as `Authorization: Bearer`. */
  readonly apiKey?: string | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Ends the stream, here and at the gateway. */
  readonly signal?: AbortSignal | undefined
  /** Whether a stream that is left early goes on at the gateway, to be joined later. Default false: it is ended there. */
  readonly leaveRunning?: boolean | undefined
  readonly reconnect?: ReconnectOptions | undefined
  /** A connection on which nothing comes for so long, in ms, is given up; a comment comes every 15 s. Default 40 000. */
  readonly idleTimeoutMs?: number | undefined
  /** How long an answer may take to begin, in ms, before it is asked for on another connection. Default 120 000. */
  readonly answerTimeoutMs?: number | undefined
  /** The longest frame, in UTF-16 units. Default 8 Mi. */
  readonly maxFrameLength?: number | undefined
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Default: by `setTimeout`. */
  readonly schedule?: Schedule | undefined
  /** 0 to 1, for pauses. Default `Math.random`. */
  readonly random?: (() => number) | undefined
}

/** A completion to ask for. */
export interface CompletionOptions extends GatewayOptions {
  /** `stream` is set; fields beyond the schema are passed on. */
  readonly request: Omit<ChatCompletionRequest, 'stream'>
  /** 1 to 255 visible ASCII characters. The same with the same key is asked for once, and paid for once. Default: a new UUID. */
  readonly idempotencyKey?: string | undefined
}

/** A stream to join. */
export interface JoinOptions extends GatewayOptions {
  /** `x-gateway-stream-id` */
  readonly id: string
  /** Of the last frame that there is already. Default 0: from the start. */
  readonly lastEventId?: number | undefined
}

/** The options with their defaults. */
export interface Settings {
  /** Without a slash at its end. */
  readonly baseURL: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
  readonly leaveRunning: boolean
  readonly reconnect: { readonly [Option in keyof ReconnectOptions]-?: number }
  readonly idleTimeoutMs: number
  readonly answerTimeoutMs: number
  readonly maxFrameLength: number
  readonly fetch: typeof globalThis.fetch
  readonly schedule: Schedule
  readonly random: () => number
}

const byTimeout: Schedule = (ms, callback) => {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}

export function settingsOf (options: GatewayOptions): Settings {
  const { apiKey, reconnect = {}, fetch = globalThis.fetch } = options
  return {
    baseURL: String(options.baseURL).replace(/\/+$/, ''),
    headers: { ...options.headers, ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) },
    signal: options.signal,
    leaveRunning: options.leaveRunning ?? false,
    reconnect: {
      maxTries: reconnect.maxTries ?? 8,
      minDelayMs: reconnect.minDelayMs ?? 250,
      maxDelayMs: reconnect.maxDelayMs ?? 10_000,
      maxRetryAfterMs: reconnect.maxRetryAfterMs ?? 60_000
    },
    idleTimeoutMs: options.idleTimeoutMs ?? 40_000,
    answerTimeoutMs: options.answerTimeoutMs ?? 120_000,
    maxFrameLength: options.maxFrameLength ?? 8 * 1024 * 1024,
    // A browser's own fetch wants to be called on its window.
    fetch: (input, init) => fetch(input, init),
    schedule: options.schedule ?? byTimeout,
    random: options.random ?? Math.random
  }
}
