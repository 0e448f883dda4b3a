import { randomBytes } from 'node:crypto'

/** What a frame is, by RFC 6455. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8 } as const

/** A message, or a frame that controls the connection. */
export interface Unit {
  readonly opcode: number
  /** Unmasked; of a message all of it. */
  readonly payload: Buffer
  /** The same as it came, frame by frame. */
  readonly frames: readonly Buffer[]
}

/** Bytes that are no WebSocket's, or more of them than are taken. */
export class FrameError extends Error {
  /** What a close frame says of it. */
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const [BROKEN_RULES, TOO_LONG] = [1002, 1009]

/** Reads the bytes of one direction, without extensions. Linear in them, however they are cut. */
export class FrameReader {
  readonly #longest: number
  #chunks: Buffer[] = []
  #size = 0
  /** Fewer bytes than these hold no whole frame. */
  #needed = 2
  /** Of a message in several frames, those that have come. */
  #parts: { opcode: number; payloads: Buffer[]; frames: Buffer[]; size: number } | undefined

  /** `longest`: of a message, in bytes. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** How much has come of a message that is not whole. In bytes. */
  get unfinished(): number {
    return this.#size + (this.#parts?.size ?? 0)
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next one that is whole. @throws {FrameError} */
  next(): Unit | undefined {
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      const unit = frame.opcode >= Opcode.close ? unitOf(frame) : this.#join(frame)
      if (unit) return unit
    }
    return undefined
  }

  #frame(): Frame | undefined {
    if (this.#size < this.#needed) return undefined
    const [only, ...others] = this.#chunks
    const bytes = only && others.length === 0 ? only : Buffer.concat(this.#chunks, this.#size)
    const head = readHead(bytes)
    if (head && head.length > this.#longest) throw new FrameError(TOO_LONG, 'A message is too long.')
    const total = head ? head.start + head.length : bytes.length + 1
    const isWhole = head !== undefined && bytes.length >= total
    const rest = isWhole ? bytes.subarray(total) : bytes
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#size = rest.length
    this.#needed = isWhole ? 2 : total
    if (!isWhole) return undefined
    const masked = bytes.subarray(head.start, total)
    const payload = head.mask ? unmasked(masked, head.mask) : masked
    return { opcode: head.opcode, isLast: head.isLast, payload, bytes: bytes.subarray(0, total) }
  }

  /** The message that a frame completes. */
  #join(frame: Frame): Unit | undefined {
    const { opcode, isLast, payload, bytes } = frame
    if ((opcode === Opcode.continuation) !== (this.#parts !== undefined))
      throw new FrameError(BROKEN_RULES, 'A message begins within another.')
    if (isLast && !this.#parts) return unitOf(frame)
    this.#parts ??= { opcode, payloads: [], frames: [], size: 0 }
    const parts = this.#parts
    parts.payloads.push(payload)
    parts.frames.push(bytes)
    parts.size += bytes.length
    if (parts.size > this.#longest) throw new FrameError(TOO_LONG, 'A message is too long.')
    if (!isLast) return undefined
    this.#parts = undefined
    return { opcode: parts.opcode, payload: Buffer.concat(parts.payloads), frames: parts.frames }
  }
}

interface Frame {
  readonly opcode: number
  readonly isLast: boolean
  readonly payload: Buffer
  readonly bytes: Buffer
}

function unitOf({ opcode, payload, bytes }: Frame): Unit {
  return { opcode, payload, frames: [bytes] }
}

interface Head {
  readonly opcode: number
  readonly isLast: boolean
  readonly mask: Buffer | undefined
  /** Where the payload begins. */
  readonly start: number
  /** Of the payload. */
  readonly length: number
}

/** Undefined while too little of it has come. */
function readHead(bytes: Buffer): Head | undefined {
  const [first = 0, second = 0] = bytes
  if ((first & 0x70) !== 0) throw new FrameError(BROKEN_RULES, 'A frame uses an extension that was not agreed on.')
  const short = second & 0x7f
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0
  const maskAt = 2 + lengthBytes
  const start = maskAt + ((second & 0x80) === 0 ? 0 : 4)
  if (bytes.length < start) return undefined
  const length =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short
  const mask = start > maskAt ? bytes.subarray(maskAt, start) : undefined
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, mask, start, length }
}

/** Four bytes at a time: a byte at a time costs four times as much. */
function unmasked(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.allocUnsafe(payload.length)
  payload.copy(plain)
  const words = new Int32Array(plain.buffer, plain.byteOffset, plain.length >> 2)
  const word = new Int32Array(Uint8Array.from(mask).buffer)[0] as number
  for (let at = 0; at < words.length; at++) (words[at] as number) ^= word
  for (let at = words.length << 2; at < plain.length; at++) (plain[at] as number) ^= mask[at & 3] as number
  return plain
}

/** A text message in one frame, as a server sends it. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([headOf(Opcode.text, payload.length, false), payload])
}

/** The same as a client sends it. */
export function maskedFrame(payload: Buffer): Buffer {
  const mask = randomBytes(4)
  return Buffer.concat([headOf(Opcode.text, payload.length, true), mask, unmasked(payload, mask)])
}

/** The last frame of a server. */
export function closeFrame(code: number, reason: string): Buffer {
  const words = Buffer.from(reason)
  return Buffer.concat([headOf(Opcode.close, 2 + words.length, false), Buffer.from([code >> 8, code & 0xff]), words])
}

function headOf(opcode: number, length: number, isMasked: boolean): Buffer {
  const mark = isMasked ? 0x80 : 0
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = 0x80 | opcode
  if (length < 126) head[1] = mark | length
  else if (length < 65_536) {
    head[1] = mark | 126
    head.writeUInt16BE(length, 2)
  } else {
    head[1] = mark | 127
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  return head
}
