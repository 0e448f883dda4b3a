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
} from '../../src/index.js'
import { CLOSE_TIMEOUT_MS } from '../node-http.js'
import { closeFrame, FrameError, FrameReader, type Message, maskedFrame, Opcode, textFrame } from './frames.js'
import { HandshakeSocket } from './handshake-socket.js'
import type { UpstreamHandshakes } from './upstream-handshake.js'

/** Bytes that a client may send before the provider has agreed. */
const MAX_EARLY_BYTES = 64 * 1024
/** Number of the relay's own frames that may wait for the end of a provider's message before the client is paused. */
const MAX_PENDING_FRAMES = 16

/** A client that has asked for a WebSocket. */
export interface TunnelClient {
  readonly req: IncomingMessage
  readonly socket: Socket
  /** Bytes that arrived behind the handshake. */
  readonly head: Buffer
  /** Subprotocols that the provider may see. */
  readonly subprotocols: readonly string[]
  /** Largest message, in bytes. */
  readonly maxBytes: number
  onDisconnect(): void
}

/** The provider's side, after the handshake. */
interface OpenTunnel {
  readonly provider: Duplex
  readonly handshakeSocket: HandshakeSocket
  readonly session: RealtimeSession
}

/**
 * Connects a client with a provider: first the handshake, then messages in both directions. Bytes pass unchanged. The
 * session sees every message, the client's before they go on. The relay's own messages go between two of the provider's.
 */
export class SocketTunnel implements PendingSocket {
  readonly #client: TunnelClient
  readonly #handshakes: UpstreamHandshakes
  readonly #fromClient: FrameReader
  readonly #fromProvider: FrameReader
  #open: OpenTunnel | undefined
  /** Frames of the relay that wait for the end of a provider's message. */
  #pendingFrames: Buffer[] = []
  /** The session is reading the provider's bytes, which have not gone on yet. */
  #isReadingProvider = false
  /** The session is deciding about the client's last message. */
  #isDeciding = false
  /** One of client, provider and relay has sent a close frame. */
  #isClosing = false
  #isClosedByRelay = false
  #isClosed = false

  constructor(client: TunnelClient, handshakes: UpstreamHandshakes) {
    this.#client = client
    this.#handshakes = handshakes
    this.#fromClient = new FrameReader(client.maxBytes)
    this.#fromProvider = new FrameReader(client.maxBytes)
    const { socket, head } = client
    this.#fromClient.push(head)
    socket.setTimeout(0)
    socket.setKeepAlive(true)
    socket.on('data', (chunk: Buffer) => this.#onClientBytes(chunk))
    socket.on('end', () => this.#onClientClose())
    socket.on('close', () => this.#onClientClose())
    socket.on('error', () => socket.destroy())
    // A socket that has already ended emits no further event.
    if (!socket.readable) this.#onClientClose()
  }

  dial(to: UpstreamHandshake): Promise<HandshakeRefusal | undefined> {
    if (this.#isClosed) return Promise.reject(new RelayError('client_left', 'The client disconnected.'))
    const { req, socket, subprotocols } = this.#client
    const handshakeSocket = new HandshakeSocket(socket)
    const onOpen = (provider: Duplex): void => this.#connect({ provider, handshakeSocket, session: to.open() })
    return this.#handshakes.open(to, { req, socket, subprotocols, handshakeSocket, onOpen })
  }

  send(text: string): boolean {
    return this.#sendFrame(textFrame(text))
  }

  close(code: number, reason: string): void {
    if (this.#isClosedByRelay) return
    this.#isClosedByRelay = true
    this.#isClosing = true
    this.#sendFrame(closeFrame(code, reason))
    if (this.#pendingFrames.length === 0) this.#closeBoth()
    setTimeout(() => this.#client.socket.destroy(), CLOSE_TIMEOUT_MS).unref()
  }

  #connect(open: OpenTunnel): void {
    const { socket } = this.#client
    const { provider } = open
    this.#open = open
    if (this.#isClosed) {
      open.session.end('left')
      return this.#closeProvider(open)
    }
    provider.on('data', (chunk: Buffer) => this.#onProviderBytes(chunk))
    provider.on('drain', () => this.#resumeClient())
    provider.on('end', () => this.#onProviderClose())
    provider.on('close', () => this.#onProviderClose())
    socket.on('drain', () => {
      provider.resume()
      this.#resumeClient()
    })
    provider.resume()
    this.#forwardMessages(open)
  }

  #onClientBytes(chunk: Buffer): void {
    if (this.#isClosed || this.#isClosedByRelay) return
    this.#fromClient.push(chunk)
    if (this.#open) this.#forwardMessages(this.#open)
    else if (this.#fromClient.pendingBytes > MAX_EARLY_BYTES) this.#client.socket.destroy()
  }

  /** Forwards the client's complete messages, until the session needs time to decide about one. */
  #forwardMessages(open: OpenTunnel): void {
    try {
      while (!this.#isDeciding && !this.#isClosed && !this.#isClosedByRelay) {
        const message = this.#fromClient.next()
        if (!message) return
        if (message.opcode === Opcode.close) this.#isClosing = true
        const decision = message.opcode < Opcode.close ? open.session.onClientMessage(message.payload) : true
        if (decision instanceof Promise) return this.#awaitDecision(open, message, decision)
        this.#forward(open, message, decision)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.close(error.code, error.message)
    }
  }

  #awaitDecision(open: OpenTunnel, message: Message, deciding: Promise<ForwardDecision>): void {
    const { socket } = this.#client
    this.#isDeciding = true
    socket.pause()
    deciding
      .then((decision) => {
        this.#isDeciding = false
        this.#forward(open, message, decision)
        this.#forwardMessages(open)
        this.#resumeClient()
      })
      .catch(() => void socket.destroy())
  }

  #forward({ provider }: OpenTunnel, { frames }: Message, decision: ForwardDecision): void {
    if (decision === false || this.#isClosed) return
    for (const frame of decision === true ? frames : [maskedFrame(decision)])
      if (!provider.write(frame)) this.#client.socket.pause()
  }

  /** Resumes the client, unless the provider is full, the session is deciding, or many of the relay's frames wait. */
  #resumeClient(): void {
    if (this.#isDeciding || this.#pendingFrames.length > MAX_PENDING_FRAMES) return
    if (this.#open?.provider.writableNeedDrain !== true) this.#client.socket.resume()
  }

  #onProviderBytes(chunk: Buffer): void {
    if (this.#isClosed || !this.#open) return
    const bytes = this.#readProvider(this.#open, chunk)
    if (!this.#client.socket.write(bytes)) this.#open.provider.pause()
    if (this.#isClosedByRelay && this.#pendingFrames.length === 0) this.#closeBoth()
  }

  /** Shows the session the provider's messages. Returns the bytes for the client: with the relay's pending frames, where a message ends. */
  #readProvider({ session }: OpenTunnel, chunk: Buffer): Buffer {
    this.#isReadingProvider = true
    try {
      this.#fromProvider.push(chunk)
      for (let message = this.#fromProvider.next(); message; message = this.#fromProvider.next()) {
        if (message.opcode === Opcode.close) this.#isClosing = true
        else if (message.opcode < Opcode.close) session.onUpstreamMessage(message.payload)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      session.end('cut')
      this.#client.socket.destroy()
    } finally {
      this.#isReadingProvider = false
    }
    const messageEnd = chunk.length - this.#fromProvider.pendingBytes
    if (this.#pendingFrames.length === 0 || messageEnd < 0) return chunk
    const pending = this.#pendingFrames.splice(0)
    this.#resumeClient()
    const rest = this.#isClosedByRelay ? [] : [chunk.subarray(messageEnd)]
    return Buffer.concat([chunk.subarray(0, messageEnd), ...pending, ...rest])
  }

  /** Sends a frame of the relay, or queues it until the provider's message ends. Pauses a client that does not read. */
  #sendFrame(frame: Buffer): boolean {
    const { socket } = this.#client
    const isBetweenMessages = this.#open && !this.#isReadingProvider && this.#fromProvider.pendingBytes === 0
    const canTakeMore =
      isBetweenMessages && this.#pendingFrames.length === 0
        ? socket.write(frame)
        : this.#pendingFrames.push(frame) <= MAX_PENDING_FRAMES
    if (!canTakeMore) socket.pause()
    return canTakeMore
  }

  #onProviderClose(): void {
    if (this.#isClosed) return
    if (!this.#isClosing) this.#open?.session.end('cut')
    // Within a message the relay's frames cannot be sent.
    if (this.#pendingFrames.length > 0) this.#client.socket.destroy()
    this.#closeBoth()
  }

  #onClientClose(): void {
    this.#client.onDisconnect()
    if (!this.#isClosing) this.#open?.session.end('left')
    this.#closeBoth()
  }

  #closeBoth(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#open) {
      this.#open.session.end('complete')
      this.#closeProvider(this.#open)
    }
    const { socket } = this.#client
    socket.end()
    socket.resume()
    setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref()
  }

  #closeProvider({ handshakeSocket, provider }: OpenTunnel): void {
    // http-proxy-3 then ends the provider's socket.
    handshakeSocket.destroy()
    setTimeout(() => provider.destroy(), CLOSE_TIMEOUT_MS).unref()
  }
}
