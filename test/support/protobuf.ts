/**
 * Protocol Buffers' wire format, as much of it as OTLP uses.
 * @see https://protobuf.dev/programming-guides/encoding/
 */

/** One field as it stands in a message. */
export interface Field {
  readonly number: number
  /** Of a varint or fixed field; 0n otherwise. */
  readonly int: bigint
  /** Of a length-delimited field, its content; of a fixed one, its bytes. */
  readonly bytes: Buffer
}

/** The fields of a message, in order; throws where it is cut off or of another format. */
export function fieldsOf (message: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined || shift > 63n) throw new Error('a varint without an end')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > message.length) throw new Error('a field that is cut off')
    const bytes = message.subarray(at, at + length)
    at += length
    return bytes
  }
  while (at < message.length) {
    const tag = Number(varint())
    const number = tag >> 3
    switch (tag & 7) {
      case 0: fields.push({ number, int: varint(), bytes: Buffer.alloc(0) }); break
      case 1: {
        const bytes = take(8)
        fields.push({ number, int: bytes.readBigUInt64LE(), bytes })
        break
      }
      case 2: fields.push({ number, int: 0n, bytes: take(Number(varint())) }); break
      case 5: {
        const bytes = take(4)
        fields.push({ number, int: BigInt(bytes.readUInt32LE()), bytes })
        break
      }
      default: throw new Error(`a field of wire type ${tag & 7}`)
    }
  }
  return fields
}
