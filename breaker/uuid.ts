import { randomUUID } from 'node:crypto'

/**
 * A UUID of version 7: the time in ms in front, chance behind, so that rows written one after another lie side by side
 * in an index. The chance is a UUID of version 4's, which Node draws for many at once.
 * @param now ms since 1970.
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function uuidv7 (now: number = Date.now()): string {
  const time = now.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
