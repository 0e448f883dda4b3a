import { randomBytes } from 'node:crypto'

/** What a frame is, by RFC 6455. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8 } as const

/** A message, or a frame that controls the connection. */
export interface Unit {
  readonly opcode: number
  /** Unmasked; of a message all of it. To be looked at before the next one is asked for: it may lie in the same place. */
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
/** So many make a message. To hold one of them costs some hundred bytes, however little there is in it. */
const MOST_FRAMES = 65_536

/** Reads the bytes of one direction, without extensions. Linear in them, however they are cut. */
export class FrameReader {
  readonly #longest: number
  readonly #chunks: Buffer[] = []
  #size = 0
  /** Fewer bytes than these hold no whole frame. */
  #needed = 2
  /** Of a message in several frames, those that have come. */
  #parts: { opcode: number; payloads: Buffer[]; frames: Buffer[]; size: number } | undefined
  /** Of the frames that control the connection, those that stand within it. In bytes. */
  #between = 0

  /** `longest`: of a message, in bytes. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** How much has come since a message began that is not whole. In bytes. */
  get unfinished(): number {
    return this.#size + (this.#parts?.size ?? 0) + this.#between
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next one that is whole. @throws {FrameError} */
  next(): Unit | undefined {
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      if (frame.opcode >= Opcode.close) return this.#control(frame)
      const unit = this.#join(frame)
      if (unit) return unit
    }
    return undefined
  }

  #control(frame: Frame): Unit {
    if (this.#parts) this.#between += frame.bytes.length
    return unitOf(frame)
  }

  #frame(): Frame | undefined {
    if (this.#size < this.#needed) return undefined
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size)
    const head = readHead(bytes)
    if (head && head.length > this.#longest) throw new FrameError(TOO_LONG, 'A message is too long.')
    const total = head ? head.start + head.length : bytes.length + 1
    if (!head || bytes.length < total) {
      this.#keep(bytes)
      this.#needed = total
      return undefined
    }
    // Mostly a frame comes by itself: then nothing is cut.
    const isAll = bytes.length === total
    this.#keep(isAll ? undefined : bytes.subarray(total))
    this.#needed = 2
    const { opcode, isLast, start, isMasked } = head
    const given = bytes.subarray(start, total)
    const payload = isMasked ? unmask(given, keyAt(bytes, start - 4), roomFor(given, isLast)) : given
    return { opcode, isLast, payload, bytes: isAll ? bytes : bytes.subarray(0, total) }
  }

  #keep(rest: Buffer | undefined): void {
    this.#chunks.length = 0
    if (rest) this.#chunks.push(rest)
    this.#size = rest?.length ?? 0
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
    if (parts.size > this.#longest || parts.frames.length > MOST_FRAMES)
      throw new FrameError(TOO_LONG, 'A message is too long.')
    if (!isLast) return undefined
    this.#parts = undefined
    this.#between = 0
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
  /** The four bytes before the payload are its key. */
  readonly isMasked: boolean
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
  const isMasked = (second & 0x80) !== 0
  const start = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (bytes.length < start) return undefined
  const length =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, isMasked, start, length }
}

/**
 * Where payloads are unmasked that are looked at and not kept, as almost all are: to make room for each anew costs more
 * than the unmasking.
 */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024)

/** Room for so many bytes and the rest of their last word. */
function wordsFor(length: number): Buffer {
  return Buffer.allocUnsafeSlow(4 * Math.ceil(length / 4))
}

function roomFor({ length }: Buffer, isPassing: boolean): Buffer {
  return isPassing && length <= SCRATCH.length ? SCRATCH : wordsFor(length)
}

const KEY = new Uint8Array(4)
const KEY_WORD = new Int32Array(KEY.buffer)

/** The four bytes there as the machine's own word. */
function keyAt(bytes: Buffer, at: number): number {
  for (let index = 0; index < 4; index++) KEY[index] = bytes[at + index] as number
  return KEY_WORD[0] as number
}

/** Four bytes at a time: a byte at a time costs four times as much. The last word may reach beyond the payload. */
function unmask(payload: Buffer, key: number, into: Buffer): Buffer {
  into.set(payload)
  const words = new Int32Array(into.buffer, into.byteOffset, Math.ceil(payload.length / 4))
  for (let at = 0; at < words.length; at++) words[at] = (words[at] as number) ^ key
  return into.subarray(0, payload.length)
}

/** A text message in one frame, as a server sends it. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([headOf(Opcode.text, payload.length, false), payload])
}

/** The same as a client sends it. */
export function maskedFrame(payload: Buffer): Buffer {
  const mask = randomBytes(4)
  const masked = unmask(payload, keyAt(mask, 0), wordsFor(payload.length))
  return Buffer.concat([headOf(Opcode.text, payload.length, true), mask, masked])
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
