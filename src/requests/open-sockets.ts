import type { Deadline, DeadlineTimer } from '../lib/time.js'

/** The client's end of a WebSocket, as an adapter holds it. */
export interface SocketClient {
  /** Sends one text message. False asks for a pause. */
  send(text: string): boolean
  /** Ends it when all that was sent has gone. `code` is one of RFC 6455's; `reason` is for people, up to 123 bytes. */
  close(code: number, reason: string): void
}

/** How long a WebSocket may stay open, in ms: without a message either way, and in all. */
export interface SocketTimeouts {
  readonly idleMs: number
  readonly totalMs: number
}

/** RFC 6455: an end is going away. */
const GOING_AWAY = 1001

/** The WebSockets that are open: closes those that nobody uses, and all of them when the relay closes. */
export class OpenSockets {
  readonly #deadlineTimer: DeadlineTimer
  readonly #patience: SocketTimeouts
  readonly #open = new Set<OpenSocket>()
  #isClosing = false
  #allClosed: (() => void) | undefined

  constructor(deadlineTimer: DeadlineTimer, patience: SocketTimeouts) {
    this.#deadlineTimer = deadlineTimer
    this.#patience = patience
  }

  open(line: SocketClient): OpenSocket {
    const socket = new OpenSocket(line, this.#deadlineTimer, this.#patience, () => this.#forget(socket))
    this.#open.add(socket)
    if (this.#isClosing) socket.drain()
    return socket
  }

  /** Closes those on which nothing is under way, the others as soon as that is so, and after `ms` all that are left. */
  close(ms: number): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.#open) socket.close('The relay is shutting down.')
        resolve()
      }, ms)
      this.#allClosed = () => {
        clearTimeout(timer)
        resolve()
      }
      for (const socket of this.#open) socket.drain()
      if (this.#open.size === 0) this.#allClosed()
    })
  }

  #forget(socket: OpenSocket): void {
    this.#open.delete(socket)
    if (this.#open.size === 0) this.#allClosed?.()
  }
}

/** One of them. */
export class OpenSocket implements Deadline {
  dueAt: number
  timerIndex = -1
  readonly #line: SocketClient
  readonly #deadlineTimer: DeadlineTimer
  readonly #idleMs: number
  readonly #until: number
  readonly #forget: () => void
  #working = 0
  #isDraining = false

  constructor(
    line: SocketClient,
    deadlineTimer: DeadlineTimer,
    { idleMs, totalMs }: SocketTimeouts,
    forget: () => void,
  ) {
    this.#line = line
    this.#deadlineTimer = deadlineTimer
    this.#idleMs = idleMs
    this.#until = deadlineTimer.time + totalMs
    this.#forget = forget
    this.dueAt = Math.min(this.#until, deadlineTimer.time + idleMs)
    deadlineTimer.add(this)
  }

  /** A message came or went. */
  touch(): void {
    this.dueAt = Math.min(this.#until, this.#deadlineTimer.time + this.#idleMs)
  }

  /** An answer is under way. */
  began(): void {
    this.#working++
  }

  /** It has ended. */
  ended(): void {
    this.#working--
    if (this.#isDraining) this.drain()
  }

  drain(): void {
    this.#isDraining = true
    if (this.#working === 0) this.close('The relay is shutting down.')
  }

  onDeadline(): void {
    const isOld = this.#deadlineTimer.time >= this.#until
    this.close(isOld ? 'This connection has been open for as long as it may.' : 'Nothing was said for too long.')
  }

  close(reason: string): void {
    this.#line.close(GOING_AWAY, reason)
  }

  /** It is no more. */
  closed(): void {
    this.#deadlineTimer.remove(this)
    this.#forget()
  }
}
