/** Bytes that are base64 in JSON, as blobs are in Converse's. */
export class Base64Bytes extends Uint8Array<ArrayBuffer> {
  /** Reads base64 as leniently as `Buffer` does: text that is none has no bytes. */
  static fromText (text: string): Base64Bytes {
    const { buffer, byteOffset, byteLength } = Buffer.from(text, 'base64')
    return new Base64Bytes(buffer, byteOffset, byteLength)
  }

  toJSON (): string { return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString('base64') }
}
