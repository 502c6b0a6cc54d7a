/**
 * What it means that a statement, or the opening of the database, failed: the database is away for a while, or something is
 * wrong for good.
 */

/**
 * The database cannot be opened, or does not answer now. The message is one line that holds nothing of the settings' values.
 */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError'
  /** Of the operating system, of postgres.js or of PostgreSQL. */
  readonly code: string | undefined

  // The original error is left out on purpose: drivers keep their options, and with them the password, in reach of it.
  constructor (message: string, code?: string) {
    super(message)
    this.code = code
  }
}

/** The code of what was not answered in time. postgres.js has the same for connections. */
export const TIMEOUT = 'CONNECT_TIMEOUT'

/** What codes of the operating system, of postgres.js and of PostgreSQL mean to an operator. */
const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its host is unknown',
  [TIMEOUT]: 'it does not answer',
  CONNECTION_CLOSED: 'it closes the connection',
  ECONNRESET: 'it closes the connection',
  '28P01': 'it refuses the password',
  28000: 'it refuses the user',
  '3D000': 'it does not exist',
  42501: 'the user may not create the tables',
  25006: 'it is a standby that takes no writes',
  53300: 'it has too many connections',
  '57P03': 'it is starting up or shutting down',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'it is not a directory'
}

/**
 * SQLSTATEs of a database that will be there again: connection exceptions, no resources, a write to a standby, a lock that others
 * hold for long, and ends, crashes and starts of the server.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const AWAY_STATES = /^(08...|53...|25006|55P03|57P0[1235])$/
/** Of the operating system, of Node and of postgres.js, what becomes of connections. ENOENT: of a Unix socket. */
const AWAY_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL',
  'ENOTFOUND', 'EAI_AGAIN', 'ENOENT', 'EMFILE', 'ERR_SOCKET_CLOSED', 'ERR_STREAM_DESTROYED',
  TIMEOUT, 'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED'
])

/** The code of an error or of the error behind it (drizzle wraps the driver's), if there is one. */
export function errorCode (error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
  }
  return undefined
}

/** Whether an error with this code says that the database is away, and not that something is wrong with what it was asked. */
export function isAway (code: string | undefined): boolean {
  return code !== undefined && (AWAY_STATES.test(code) || AWAY_CODES.has(code))
}

/** What cannot be used, and why. */
export function unavailable (what: string, code: string | undefined): DatabaseUnavailableError {
  return new DatabaseUnavailableError(`${what}: ${meaningOf(code)}`, code)
}

/** A code with what it means. */
function meaningOf (code: string | undefined): string {
  const meaning = code === undefined ? undefined : MEANING[code]
  return meaning === undefined ? code ?? 'unknown error' : `${meaning} (${code})`
}
