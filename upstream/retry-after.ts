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
