import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Dialed, Dialing, Said, Talk, WaitingLine } from '../src/index.js'
import type { Dialer } from './dialer.js'
import { closeFrame, FrameError, FrameReader, maskedFrame, Opcode, textFrame, type Unit } from './frames.js'
import { type Joined, Junction } from './junction.js'
import { LINGER_MS } from './node-answer.js'

/** So much may come before the provider has agreed. In bytes. */
const MOST_EARLY = 64 * 1024

/** A client that has asked for a WebSocket, as Node hands it over. */
export interface Client {
  readonly req: IncomingMessage
  readonly socket: Socket
  /** What came behind its handshake. */
  readonly head: Buffer
  /** Those of its subprotocols that the provider may see. */
  readonly subprotocols: readonly string[]
  /** The largest message. In bytes. */
  readonly maxBytes: number
  /** To be told when it has gone. */
  left(): void
}

/**
 * A client on its way to a provider, and then the line between the two: bytes go on as they come, and every message is
 * shown to the relay, the client's before they go on. What the relay says itself stands between two of the provider's.
 */
export class ProxiedLine implements WaitingLine, Joined {
  readonly #client: Client
  readonly #dialer: Dialer
  readonly #fromClient: FrameReader
  readonly #fromProvider: FrameReader
  readonly #early: Buffer[] = []
  #junction: Junction | undefined
  #talk: Talk | undefined
  /** What waits for the end of one of the provider's messages. */
  #unsaid: Buffer[] = []
  #isOpen = false
  /** What the provider has brought is being looked at, and has not gone on. */
  #isReading = false
  /** The relay thinks about the client's last message. */
  #isAsking = false
  /** One of the three has said goodbye. */
  #isClosing = false
  #isClosedByRelay = false
  #isOver = false

  constructor(client: Client, dialer: Dialer) {
    this.#client = client
    this.#dialer = dialer
    this.#fromClient = new FrameReader(client.maxBytes)
    this.#fromProvider = new FrameReader(client.maxBytes)
    const { socket, head } = client
    this.#early.push(head)
    socket.setTimeout(0)
    socket.on('data', (chunk: Buffer) => this.#came(chunk))
    socket.on('end', () => this.#clientLeft())
    socket.on('close', () => this.#clientLeft())
    socket.on('error', () => socket.destroy())
  }

  dial(to: Dialing): Promise<Dialed> {
    const junction = new Junction(this)
    const { req, socket, subprotocols } = this.#client
    const agreed = (): void => {
      this.#junction = junction
      this.#talk = to.open()
    }
    return this.#dialer.dial({ req, socket, subprotocols, junction, to, agreed })
  }

  tell(text: string): boolean {
    return this.#say(textFrame(text))
  }

  close(code: number, reason: string): void {
    if (this.#isClosedByRelay) return
    this.#isClosedByRelay = true
    this.#isClosing = true
    this.#say(closeFrame(code, reason))
    if (this.#unsaid.length === 0) this.#hangUp()
    setTimeout(() => this.#client.socket.destroy(), LINGER_MS).unref()
  }

  /** The provider takes more. */
  wanted(): void {
    if (!this.#isAsking) this.#client.socket.resume()
  }

  /** The provider's next bytes. `taken` is called when more is welcome. */
  brought(chunk: Buffer, taken: () => void): void {
    const { socket } = this.#client
    if (socket.write(this.#isOpen ? this.#read(chunk) : chunk)) taken()
    else socket.once('drain', taken)
    // The first is the answer to the client's handshake: before it nothing may be said.
    if (this.#isOpen) return
    this.#isOpen = true
    for (const early of this.#early.splice(0)) this.#came(early)
  }

  /** The provider says no more. */
  providerLeft(junction: Junction): void {
    if (junction !== this.#junction || this.#isOver) return
    if (!this.#isClosing) this.#talk?.ended('cut')
    // In the midst of a message there is no way to say so.
    if (this.#unsaid.length > 0) this.#client.socket.destroy()
    this.#hangUp()
  }

  #came(chunk: Buffer): void {
    if (this.#isOpen) {
      if (this.#isClosedByRelay) return
      this.#fromClient.push(chunk)
      return this.#advance()
    }
    this.#early.push(chunk)
    if (this.#early.reduce((size, { length }) => size + length, 0) > MOST_EARLY) this.#client.socket.destroy()
  }

  /** All of the client's messages that are whole, until there is one that the relay has to think about. */
  #advance(): void {
    try {
      while (!this.#isAsking && !this.#isOver) {
        const unit = this.#fromClient.next()
        if (!unit) return
        const said = this.#show(unit)
        if (said instanceof Promise) return this.#wait(unit, said)
        this.#pass(unit, said)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.close(error.code, error.message)
    }
  }

  #show(unit: Unit): Said | Promise<Said> {
    if (unit.opcode === Opcode.close) this.#isClosing = true
    return unit.opcode < Opcode.close ? this.#talk?.said(unit.payload) : unit.payload
  }

  #wait(unit: Unit, said: Promise<Said>): void {
    const { socket } = this.#client
    this.#isAsking = true
    socket.pause()
    said
      .then((decided) => {
        this.#isAsking = false
        this.#pass(unit, decided)
        socket.resume()
        this.#advance()
      })
      .catch(() => void socket.destroy())
  }

  #pass({ payload, frames }: Unit, said: Said): void {
    if (!said || this.#isOver) return
    let more = true
    for (const frame of said === payload ? frames : [maskedFrame(said)]) more = this.#junction?.push(frame) === true
    if (!more) this.#client.socket.pause()
  }

  /** Shows the relay what the provider says. Gives what is to be sent: with what the relay has to say, where there is a place for it. */
  #read(chunk: Buffer): Buffer {
    if (this.#isClosedByRelay && this.#unsaid.length === 0) return NOTHING
    this.#isReading = true
    try {
      this.#fromProvider.push(chunk)
      for (let unit = this.#fromProvider.next(); unit; unit = this.#fromProvider.next()) {
        if (unit.opcode === Opcode.close) this.#isClosing = true
        else if (unit.opcode < Opcode.close) this.#talk?.heard(unit.payload)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#talk?.ended('cut')
      this.#client.socket.destroy()
    } finally {
      this.#isReading = false
    }
    const place = chunk.length - this.#fromProvider.unfinished
    if (this.#unsaid.length === 0 || place < 0) return chunk
    const unsaid = this.#unsaid.splice(0)
    if (!this.#isClosedByRelay) return Buffer.concat([chunk.subarray(0, place), ...unsaid, chunk.subarray(place)])
    setImmediate(() => this.#hangUp())
    return Buffer.concat([chunk.subarray(0, place), ...unsaid])
  }

  #say(frame: Buffer): boolean {
    const { socket } = this.#client
    const isPlace = this.#isOpen && !this.#isReading && this.#fromProvider.unfinished === 0
    if (isPlace && this.#unsaid.length === 0) return socket.write(frame)
    this.#unsaid.push(frame)
    return true
  }

  #clientLeft(): void {
    if (this.#isOver) return
    this.#client.left()
    this.#talk?.ended(this.#isClosing ? 'complete' : 'left')
    this.#hangUp()
  }

  #hangUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#talk?.ended('complete')
    this.#junction?.destroy()
    const { socket } = this.#client
    socket.end()
    socket.resume()
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  }
}

const NOTHING = Buffer.alloc(0)
