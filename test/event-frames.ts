import { crc32 } from 'node:zlib'
import type { Script } from './scripted-upstream.js'

/** A frame of AWS's event streams, with headers that are texts. */
export function eventFrame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const spelled = Object.entries(headers).map(([name, value]) => {
    const text = Buffer.from(value)
    const around = Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), Buffer.from([7, 0, 0])])
    around.writeUInt16BE(text.length, around.length - 2)
    return Buffer.concat([around, text])
  })
  return frameOf(Buffer.concat(spelled), payload)
}

/** A frame with these header bytes. `length` replaces the length in its prelude. */
export function frameOf(
  head: Buffer,
  payload: string,
  length: number = 16 + head.length + Buffer.byteLength(payload),
): Buffer {
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(length, 0)
  prelude.writeUInt32BE(head.length, 4)
  const all = Buffer.concat([prelude, sum(prelude), head, Buffer.from(payload)])
  return Buffer.concat([all, sum(all)])
}

function sum(bytes: Buffer): Buffer {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(bytes))
  return checksum
}

/** A record of a stream, as Bedrock frames it. */
export function chunkFrame(record: string): Buffer {
  const headers = { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }
  return eventFrame(headers, JSON.stringify({ bytes: Buffer.from(record).toString('base64'), p: 'abcdefgh' }))
}

/** An error in the midst of one. */
export function exceptionFrame(name: string, message: string): Buffer {
  const headers = { ':exception-type': name, ':content-type': 'application/json', ':message-type': 'exception' }
  return eventFrame(headers, JSON.stringify({ message }))
}

/** The frames of a stream that was written as server-sent events. */
export function framesOf(events: string): Buffer[] {
  return [...events.matchAll(/^data: (.*)$/gm)].map(([, record = '']) => chunkFrame(record))
}

/** Answers with frames, in chunks of `size` bytes; by default one frame per chunk. */
export function answerFrames(frames: readonly Buffer[], cut?: number): Script {
  return async (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'r-1' })
    const all = Buffer.concat(frames)
    const pieces = cut === undefined ? frames : [all.subarray(0, cut), all.subarray(cut)]
    for (const piece of pieces) {
      if (res.destroyed) return
      res.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    res.end()
  }
}
