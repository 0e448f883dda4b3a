import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type ForwardDecision,
  type HandshakeRefusal,
  type PendingSocket,
  type RealtimeSession,
  RelayError,
  type UpstreamHandshake,
} from '../src/index.js'
import type { Dialer } from './dialer.js'
import { closeFrame, FrameError, FrameReader, maskedFrame, Opcode, textFrame, type Unit } from './frames.js'
import { HandshakeSocket } from './handshake-socket.js'
import { LINGER_MS } from './node-answer.js'

/** So much may come before the provider has agreed. In bytes. */
const MOST_EARLY = 64 * 1024
/** So many frames may wait for the end of one of the provider's messages before the client is made to wait. */
const MOST_UNSAID = 16

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

/** What the line holds once both have agreed. */
interface Open {
  readonly provider: Duplex
  readonly junction: HandshakeSocket
  readonly talk: RealtimeSession
}

/**
 * A client on its way to a provider, and then the line between the two: bytes go on as they come, and every message is
 * shown to the relay, the client's before they go on. What the relay says itself stands between two of the provider's.
 */
export class SocketTunnel implements PendingSocket {
  readonly #client: Client
  readonly #dialer: Dialer
  readonly #fromClient: FrameReader
  readonly #fromProvider: FrameReader
  #open: Open | undefined
  /** What waits for the end of one of the provider's messages. */
  #unsaid: Buffer[] = []
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
    this.#fromClient.push(head)
    socket.setTimeout(0)
    socket.setKeepAlive(true)
    socket.on('data', (chunk: Buffer) => this.#came(chunk))
    socket.on('end', () => this.#clientLeft())
    socket.on('close', () => this.#clientLeft())
    socket.on('error', () => socket.destroy())
    // What has been told before is not told again.
    if (!socket.readable) this.#clientLeft()
  }

  dial(to: UpstreamHandshake): Promise<HandshakeRefusal | undefined> {
    if (this.#isOver) return Promise.reject(new RelayError('client_left', 'The client left.'))
    const { req, socket, subprotocols } = this.#client
    const junction = new HandshakeSocket(socket)
    const agreed = (provider: Duplex): void => this.#connect({ provider, junction, talk: to.open() })
    return this.#dialer.dial({ req, socket, subprotocols, junction, to, agreed })
  }

  send(text: string): boolean {
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

  #connect(open: Open): void {
    const { socket } = this.#client
    const { provider } = open
    this.#open = open
    if (this.#isOver) {
      open.talk.end('left')
      return this.#hangUpProvider(open)
    }
    provider.on('data', (chunk: Buffer) => this.#brought(chunk))
    provider.on('drain', () => this.#goOn())
    provider.on('end', () => this.#providerLeft())
    provider.on('close', () => this.#providerLeft())
    socket.on('drain', () => {
      provider.resume()
      this.#goOn()
    })
    provider.resume()
    this.#advance(open)
  }

  #came(chunk: Buffer): void {
    if (this.#isOver || this.#isClosedByRelay) return
    this.#fromClient.push(chunk)
    if (this.#open) this.#advance(this.#open)
    else if (this.#fromClient.unfinished > MOST_EARLY) this.#client.socket.destroy()
  }

  /** All of the client's messages that are whole, until there is one that the relay has to think about. */
  #advance(open: Open): void {
    try {
      while (!this.#isAsking && !this.#isOver && !this.#isClosedByRelay) {
        const unit = this.#fromClient.next()
        if (!unit) return
        if (unit.opcode === Opcode.close) this.#isClosing = true
        const said = unit.opcode < Opcode.close ? open.talk.onClientMessage(unit.payload) : true
        if (said instanceof Promise) return this.#ask(open, unit, said)
        this.#pass(open, unit, said)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.close(error.code, error.message)
    }
  }

  #ask(open: Open, unit: Unit, said: Promise<ForwardDecision>): void {
    const { socket } = this.#client
    this.#isAsking = true
    socket.pause()
    said
      .then((decided) => {
        this.#isAsking = false
        this.#pass(open, unit, decided)
        this.#advance(open)
        this.#goOn()
      })
      .catch(() => void socket.destroy())
  }

  #pass({ provider }: Open, { frames }: Unit, said: ForwardDecision): void {
    if (said === false || this.#isOver) return
    for (const frame of said === true ? frames : [maskedFrame(said)])
      if (!provider.write(frame)) this.#client.socket.pause()
  }

  /** Where the provider takes more, and the relay has nothing to think about and little to say. */
  #goOn(): void {
    if (this.#isAsking || this.#unsaid.length > MOST_UNSAID) return
    if (this.#open?.provider.writableNeedDrain !== true) this.#client.socket.resume()
  }

  #brought(chunk: Buffer): void {
    if (this.#isOver || !this.#open) return
    const bytes = this.#read(this.#open, chunk)
    if (!this.#client.socket.write(bytes)) this.#open.provider.pause()
    if (this.#isClosedByRelay && this.#unsaid.length === 0) this.#hangUp()
  }

  /** Shows the relay what the provider says. Gives what is to be sent: with what the relay has to say, where there is a place for it. */
  #read({ talk }: Open, chunk: Buffer): Buffer {
    this.#isReading = true
    try {
      this.#fromProvider.push(chunk)
      for (let unit = this.#fromProvider.next(); unit; unit = this.#fromProvider.next()) {
        if (unit.opcode === Opcode.close) this.#isClosing = true
        else if (unit.opcode < Opcode.close) talk.onUpstreamMessage(unit.payload)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      talk.end('cut')
      this.#client.socket.destroy()
    } finally {
      this.#isReading = false
    }
    const place = chunk.length - this.#fromProvider.unfinished
    if (this.#unsaid.length === 0 || place < 0) return chunk
    const unsaid = this.#unsaid.splice(0)
    this.#goOn()
    const rest = this.#isClosedByRelay ? [] : [chunk.subarray(place)]
    return Buffer.concat([chunk.subarray(0, place), ...unsaid, ...rest])
  }

  /** A client that does not read what it is told is not listened to. */
  #say(frame: Buffer): boolean {
    const { socket } = this.#client
    const isPlace = this.#open && !this.#isReading && this.#fromProvider.unfinished === 0
    const takesMore =
      isPlace && this.#unsaid.length === 0 ? socket.write(frame) : this.#unsaid.push(frame) <= MOST_UNSAID
    if (!takesMore) socket.pause()
    return takesMore
  }

  #providerLeft(): void {
    if (this.#isOver) return
    if (!this.#isClosing) this.#open?.talk.end('cut')
    // In the midst of a message there is no way to say so.
    if (this.#unsaid.length > 0) this.#client.socket.destroy()
    this.#hangUp()
  }

  #clientLeft(): void {
    this.#client.left()
    if (!this.#isClosing) this.#open?.talk.end('left')
    this.#hangUp()
  }

  /** Ends it at both sides. */
  #hangUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#open) {
      this.#open.talk.end('complete')
      this.#hangUpProvider(this.#open)
    }
    const { socket } = this.#client
    socket.end()
    socket.resume()
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  }

  #hangUpProvider({ junction, provider }: Open): void {
    // http-proxy-3 ends the provider's socket then.
    junction.destroy()
    setTimeout(() => provider.destroy(), LINGER_MS).unref()
  }
}
