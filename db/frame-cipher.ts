import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** Stored bytes that no key at hand opens, or that are not what was stored. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError'

  constructor () {
    super('stored frames cannot be opened: they were sealed with another key, or changed')
  }
}

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
/** The first byte says how the rest is to be read. */
const PLAIN = 0
const SEALED = 1

/**
 * Seals text for storing: with AES-256-GCM, a new random nonce for each, bound to the place that it is stored at.
 * Without keys it stores as it is.
 * @see https://csrc.nist.gov/pubs/sp/800/38/d/final
 */
export class FrameCipher {
  readonly #keys: readonly Buffer[]

  /** @param keys of 32 bytes each: the first one seals, all of them open */
  constructor (keys: readonly Buffer[]) {
    this.#keys = keys
  }

  /** @param place what else has to be the same for opening it */
  seal (text: string, place: string): Buffer {
    const [key] = this.#keys
    if (key === undefined) return Buffer.concat([Buffer.of(PLAIN), Buffer.from(text)])
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(SEALED), iv, cipher.getAuthTag(), sealed])
  }

  /** @throws {SealBrokenError} */
  open (stored: Buffer, place: string): string {
    if (stored[0] === PLAIN) return stored.toString('utf8', 1)
    if (stored[0] !== SEALED || stored.length < 1 + IV_BYTES + TAG_BYTES) throw new SealBrokenError()
    const iv = stored.subarray(1, 1 + IV_BYTES)
    const tag = stored.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES)
    const sealed = stored.subarray(1 + IV_BYTES + TAG_BYTES)
    for (const key of this.#keys) {
      const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place)).setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8')
      } catch {
        // Not this one.
      }
    }
    throw new SealBrokenError()
  }
}
