import { randomBytes } from 'node:crypto'

/** Opcodes of RFC 6455. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8 } as const

/** A complete message, or a control frame. */
export interface Message {
  readonly opcode: number
  /** The whole payload, unmasked. Valid only until the next call of `next`, which may reuse the memory. */
  readonly payload: Buffer
  /** The frames as they arrived. */
  readonly frames: readonly Buffer[]
}

/** Bytes that are not valid frames, or a message that is too long. */
export class FrameError extends Error {
  /** Code for the close frame. */
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const [PROTOCOL_ERROR, MESSAGE_TOO_BIG] = [1002, 1009]
/** Frames of one message. Each costs some hundred bytes of memory, however small it is. */
const MAX_FRAMES = 65_536

/** Reads the frames of one direction, without extensions. Takes linear time, however the bytes are split. */
export class FrameReader {
  readonly #maxBytes: number
  readonly #chunks: Buffer[] = []
  #size = 0
  /** Bytes needed before the next frame can be complete. */
  #needed = 2
  /** The frames so far of a fragmented message. */
  #fragments: { opcode: number; payloads: Buffer[]; frames: Buffer[]; size: number } | undefined
  /** Bytes of control frames within the fragmented message. */
  #controlBytes = 0

  /** `maxBytes`: the largest message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that `next` has not returned yet. */
  get pendingBytes(): number {
    return this.#size + (this.#fragments?.size ?? 0) + this.#controlBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next complete message or control frame. @throws {FrameError} */
  next(): Message | undefined {
    for (let frame = this.#readFrame(); frame; frame = this.#readFrame()) {
      if (frame.opcode >= Opcode.close) return this.#control(frame)
      const message = this.#join(frame)
      if (message) return message
    }
    return undefined
  }

  #control(frame: Frame): Message {
    if (this.#fragments) this.#controlBytes += frame.bytes.length
    return toMessage(frame)
  }

  #readFrame(): Frame | undefined {
    if (this.#size < this.#needed) return undefined
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size)
    const head = readHead(bytes)
    if (head && head.payloadLength > this.#maxBytes) throw new FrameError(MESSAGE_TOO_BIG, 'A message is too long.')
    const total = head ? head.payloadStart + head.payloadLength : bytes.length + 1
    if (!head || bytes.length < total) {
      this.#keep(bytes)
      this.#needed = total
      return undefined
    }
    // Usually a chunk is exactly one frame.
    const isAll = bytes.length === total
    this.#keep(isAll ? undefined : bytes.subarray(total))
    this.#needed = 2
    const { opcode, isLast, payloadStart, isMasked } = head
    const raw = bytes.subarray(payloadStart, total)
    const payload = isMasked
      ? unmask(raw, readMaskingKey(bytes, payloadStart - 4), bufferForUnmasked(raw, isLast))
      : raw
    return { opcode, isLast, payload, bytes: isAll ? bytes : bytes.subarray(0, total) }
  }

  #keep(rest: Buffer | undefined): void {
    this.#chunks.length = 0
    if (rest) this.#chunks.push(rest)
    this.#size = rest?.length ?? 0
  }

  /** Returns the message that a frame completes, if it does. */
  #join(frame: Frame): Message | undefined {
    const { opcode, isLast, payload, bytes } = frame
    if ((opcode === Opcode.continuation) !== (this.#fragments !== undefined))
      throw new FrameError(PROTOCOL_ERROR, 'A message starts within another.')
    if (isLast && !this.#fragments) return toMessage(frame)
    this.#fragments ??= { opcode, payloads: [], frames: [], size: 0 }
    const fragments = this.#fragments
    fragments.payloads.push(payload)
    fragments.frames.push(bytes)
    fragments.size += bytes.length
    if (fragments.size > this.#maxBytes || fragments.frames.length > MAX_FRAMES)
      throw new FrameError(MESSAGE_TOO_BIG, 'A message is too long.')
    if (!isLast) return undefined
    this.#fragments = undefined
    this.#controlBytes = 0
    return { opcode: fragments.opcode, payload: Buffer.concat(fragments.payloads), frames: fragments.frames }
  }
}

interface Frame {
  readonly opcode: number
  readonly isLast: boolean
  readonly payload: Buffer
  readonly bytes: Buffer
}

function toMessage({ opcode, payload, bytes }: Frame): Message {
  return { opcode, payload, frames: [bytes] }
}

interface FrameHead {
  readonly opcode: number
  readonly isLast: boolean
  /** The four bytes before the payload are the masking key. */
  readonly isMasked: boolean
  /** Start of the payload. */
  readonly payloadStart: number
  /** Length of the payload. */
  readonly payloadLength: number
}

/** Undefined until the head is complete. */
function readHead(bytes: Buffer): FrameHead | undefined {
  const [first = 0, second = 0] = bytes
  if ((first & 0x70) !== 0) throw new FrameError(PROTOCOL_ERROR, 'A frame uses an extension that was not agreed on.')
  const shortLength = second & 0x7f
  const lengthBytes = shortLength === 127 ? 8 : shortLength === 126 ? 2 : 0
  const isMasked = (second & 0x80) !== 0
  const start = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (bytes.length < start) return undefined
  const length =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : shortLength
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, isMasked, payloadStart: start, payloadLength: length }
}

/**
 * Shared memory for unmasked payloads that are read and not kept, as almost all are. Allocating memory for each would
 * cost more than unmasking it.
 */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024)

/** Allocates whole 32-bit words for this number of bytes. */
function allocateWords(length: number): Buffer {
  return Buffer.allocUnsafeSlow(4 * Math.ceil(length / 4))
}

function bufferForUnmasked({ length }: Buffer, isTemporary: boolean): Buffer {
  return isTemporary && length <= SCRATCH.length ? SCRATCH : allocateWords(length)
}

const KEY = new Uint8Array(4)
const KEY_WORD = new Int32Array(KEY.buffer)

/** The masking key at a position, as a word in the machine's byte order. */
function readMaskingKey(bytes: Buffer, at: number): number {
  for (let index = 0; index < 4; index++) KEY[index] = bytes[at + index] as number
  return KEY_WORD[0] as number
}

/** Unmasks into `into`, four bytes at a time for speed. The last word may extend beyond the payload. */
function unmask(payload: Buffer, key: number, into: Buffer): Buffer {
  into.set(payload)
  const words = new Int32Array(into.buffer, into.byteOffset, Math.ceil(payload.length / 4))
  for (let at = 0; at < words.length; at++) words[at] = (words[at] as number) ^ key
  return into.subarray(0, payload.length)
}

/** A text message in one frame, as servers send it. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([writeHead(Opcode.text, payload.length, false), payload])
}

/** A text message in one frame, as clients send it. */
export function maskedFrame(payload: Buffer): Buffer {
  const mask = randomBytes(4)
  const masked = unmask(payload, readMaskingKey(mask, 0), allocateWords(payload.length))
  return Buffer.concat([writeHead(Opcode.text, payload.length, true), mask, masked])
}

/** A close frame, as servers send it. */
export function closeFrame(code: number, reason: string): Buffer {
  const reasonBytes = Buffer.from(reason)
  return Buffer.concat([
    writeHead(Opcode.close, 2 + reasonBytes.length, false),
    Buffer.from([code >> 8, code & 0xff]),
    reasonBytes,
  ])
}

function writeHead(opcode: number, length: number, isMasked: boolean): Buffer {
  const maskBit = isMasked ? 0x80 : 0
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = 0x80 | opcode
  if (length < 126) head[1] = maskBit | length
  else if (length < 65_536) {
    head[1] = maskBit | 126
    head.writeUInt16BE(length, 2)
  } else {
    head[1] = maskBit | 127
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  return head
}
