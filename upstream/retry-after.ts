import type { IncomingHttpHeaders } from 'node:http'

/** A header's value; the first one where it was sent several times. */
export function header (headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

/**
 * How long an upstream asked to be left alone, in ms: `retry-after-ms` (Azure, OpenAI), or `retry-after` as seconds or
 * as a date. Undefined where it says nothing usable.
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs (headers: IncomingHttpHeaders, now: number = Date.now()): number | undefined {
  const ms = Number.parseFloat(header(headers, 'retry-after-ms') ?? '')
  if (ms >= 0 && Number.isFinite(ms)) return ms
  const value = header(headers, 'retry-after')
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Number.isFinite(Number(text)) ? Number(text) * 1000 : undefined
  // `Date.parse` finds a date in nearly everything ("-5" is in 2001), and takes one without a zone for local time.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/**
 * When a rate limit is full again, in ms, by `x-ratelimit-reset-requests` and `-tokens`: that of the limit which is used
 * up, else the later one. OpenAI writes "6m0s" or "120ms", Azure a number of seconds. Undefined where nothing usable is said.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 */
export function rateLimitResetMs (headers: IncomingHttpHeaders): number | undefined {
  const resets = ['requests', 'tokens'].flatMap(limit => {
    const text = header(headers, `x-ratelimit-reset-${limit}`)?.trim() ?? ''
    const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : durationMs(text)
    // Azure says 0 of a limit that it does not have. What is years away is a date in seconds.
    return ms === undefined || ms === 0 || ms > YEAR_MS ? [] : [{ ms, usedUp: header(headers, `x-ratelimit-remaining-${limit}`)?.trim() === '0' }]
  })
  const usedUp = resets.filter(({ usedUp }) => usedUp)
  const telling = usedUp.length > 0 ? usedUp : resets
  return telling.length === 0 ? undefined : Math.max(...telling.map(({ ms }) => ms))
}

const WAIT_BEGINS = /\b(?:try again|retry|replenished) (?:in|after) (?=\d)/i

/**
 * How long to wait by the words of an error, in ms: "Try again in 12 seconds", "Please retry after 1m30.5s", "Quota will be
 * replenished in 1.12:30:00". Undefined where they say nothing of the kind.
 * @see https://learn.microsoft.com/azure/api-management/quota-by-key-policy
 */
export function waitInWordsMs (message: string): number | undefined {
  const begin = WAIT_BEGINS.exec(message)
  if (begin === null) return undefined
  const ms = durationMs(message.slice(begin.index + begin[0].length))
  return ms === undefined || ms > YEAR_MS ? undefined : ms
}

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS
const UNITS: ReadonlyMap<string | undefined, number> = new Map([['ms', 1], ['milliseconds', 1], ['s', SECOND_MS], ['m', MINUTE_MS], ['h', HOUR_MS], ['d', DAY_MS]])

/** As .NET writes a time span: days, hours, minutes, seconds. */
const TIME_SPAN = /^(?:(\d{1,4})\.)?(\d{1,2}):(\d{2}):(\d{2})(?!\d)/
/** A number and its unit, and what stands before the next one. */
const PIECE = /(\d{1,9}(?:\.\d{1,9})?) ?(?:(ms|milliseconds)|(s|m|h|d)(?:econds?|ecs?|inutes?|ins?|ours?|rs?|ays?)?)(?![a-z]),? ?(?:and )?/iy

/** The duration that a text begins with, in ms: "12 seconds", "6m0s", "2.12 days", "00:30:02". */
function durationMs (text: string): number | undefined {
  const span = TIME_SPAN.exec(text)
  if (span !== null) {
    const [, days = '0', hours, minutes, seconds] = span
    return Number(days) * DAY_MS + Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS
  }
  let ms: number | undefined
  PIECE.lastIndex = 0
  for (let piece = PIECE.exec(text); piece !== null; piece = PIECE.exec(text)) {
    const [, count, small, unit] = piece
    ms = (ms ?? 0) + Number(count) * (UNITS.get((small ?? unit)?.toLowerCase()) ?? 0)
  }
  return ms === undefined ? undefined : Math.round(ms)
}
