import type { Deadline, DeadlineTimer } from '../lib/time.js'

/** The client of a WebSocket, as an adapter provides it. */
export interface SocketClient {
  /** Sends a text message. Returns false to ask for a pause. */
  send(text: string): boolean
  /** Closes the socket after what was sent. `code`: of RFC 6455; `reason`: for people, at most 123 bytes. */
  close(code: number, reason: string): void
}

/** How long a WebSocket may stay open. */
export interface SocketTimeouts {
  /** Without a message in either direction. */
  readonly idleMs: number
  /** In all. */
  readonly totalMs: number
}

/** RFC 6455: the endpoint is going away. */
const GOING_AWAY = 1001

/** The open WebSockets. Closes them at their timeouts, and when the relay closes. */
export class OpenSockets {
  readonly #deadlineTimer: DeadlineTimer
  readonly #timeouts: SocketTimeouts
  readonly #open = new Set<OpenSocket>()
  #isClosing = false
  #onAllClosed: (() => void) | undefined

  constructor(deadlineTimer: DeadlineTimer, timeouts: SocketTimeouts) {
    this.#deadlineTimer = deadlineTimer
    this.#timeouts = timeouts
  }

  open(client: SocketClient): OpenSocket {
    const socket = new OpenSocket(client, this.#deadlineTimer, this.#timeouts, () => this.#forget(socket))
    this.#open.add(socket)
    if (this.#isClosing) socket.drain()
    return socket
  }

  /** Closes idle sockets at once, busy ones after their answers, and all that are left after `timeoutMs`. */
  close(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.#open) socket.close('The relay is shutting down.')
        resolve()
      }, timeoutMs)
      this.#onAllClosed = () => {
        clearTimeout(timer)
        resolve()
      }
      for (const socket of this.#open) socket.drain()
      if (this.#open.size === 0) this.#onAllClosed()
    })
  }

  #forget(socket: OpenSocket): void {
    this.#open.delete(socket)
    if (this.#open.size === 0) this.#onAllClosed?.()
  }
}

/** One open WebSocket: its timeouts and the number of answers in progress. */
export class OpenSocket implements Deadline {
  dueAt: number
  timerIndex = -1
  readonly #client: SocketClient
  readonly #deadlineTimer: DeadlineTimer
  readonly #idleMs: number
  readonly #closesAt: number
  readonly #forget: () => void
  #answers = 0
  #isDraining = false

  constructor(
    client: SocketClient,
    deadlineTimer: DeadlineTimer,
    { idleMs, totalMs }: SocketTimeouts,
    forget: () => void,
  ) {
    this.#client = client
    this.#deadlineTimer = deadlineTimer
    this.#idleMs = idleMs
    this.#closesAt = deadlineTimer.time + totalMs
    this.#forget = forget
    this.dueAt = Math.min(this.#closesAt, deadlineTimer.time + idleMs)
    deadlineTimer.add(this)
  }

  /** A message was received or sent. */
  touch(): void {
    this.dueAt = Math.min(this.#closesAt, this.#deadlineTimer.time + this.#idleMs)
  }

  answerStarted(): void {
    this.#answers++
  }

  answerEnded(): void {
    this.#answers--
    if (this.#isDraining) this.drain()
  }

  /** Closes the socket as soon as no answer is in progress. */
  drain(): void {
    this.#isDraining = true
    if (this.#answers === 0) this.close('The relay is shutting down.')
  }

  onDeadline(): void {
    const isOld = this.#deadlineTimer.time >= this.#closesAt
    this.close(isOld ? 'This connection has been open for the maximum time.' : 'There was no message for too long.')
  }

  close(reason: string): void {
    this.#client.close(GOING_AWAY, reason)
  }

  /** The socket has closed. */
  onClose(): void {
    this.#deadlineTimer.remove(this)
    this.#forget()
  }
}
