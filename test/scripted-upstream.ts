import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A request that the upstream received. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** The body's bytes. */
  readonly raw: Buffer
}

/** Handles one request. */
export type Script = (req: IncomingMessage, res: ServerResponse, seen: Seen) => void | Promise<void>

/** A scripted upstream on a real socket. Its script can change at any time, and it keeps all requests. */
export interface ScriptedUpstream {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseURL: string
  readonly port: number
  readonly server: Server
  readonly seen: Seen[]
  /** The open sockets. */
  readonly sockets: ReadonlySet<Socket>
  /** Responses that have not ended. */
  readonly running: ReadonlySet<ServerResponse>
  script: Script
  close(): Promise<void>
}

export async function startUpstream(script: Script = answerJson(completion('hello'))): Promise<ScriptedUpstream> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const running = new Set<ServerResponse>()
  const server = createServer(async (req, res) => {
    running.add(res)
    res.on('close', () => running.delete(res))
    const chunks: Buffer[] = []
    try {
      for await (const chunk of req) chunks.push(chunk)
    } catch {
      return
    }
    const { method = '', url = '', headers, rawHeaders } = req
    const raw = Buffer.concat(chunks)
    const one: Seen = { method, url, headers, rawHeaders, body: raw.toString(), raw }
    seen.push(one)
    await upstream.script(req, res, one)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const upstream: ScriptedUpstream = {
    baseURL: `http://127.0.0.1:${port}/v1`,
    port,
    server,
    seen,
    sockets,
    running,
    script,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return upstream
}

/** Answers with JSON. */
export function answerJson(value: unknown, status = 200, headers: Record<string, string> = {}): Script {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  }
}

/** Answers with an error in OpenAI's format. */
export function answerError(
  status: number,
  message: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Script {
  return answerJson({ error: { message, type: 'server_error', param: null, code: null, ...more } }, status, headers)
}

/** Streams chunks, with a pause of `everyMs` between them. */
export function answerStream(pieces: readonly (string | Buffer)[], everyMs = 0): Script {
  return async (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) {
      if (res.destroyed) return
      res.write(piece)
      if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    res.end()
  }
}

/** Uses one script per request, and the last one for all further requests. */
export function inTurn(...scripts: readonly [Script, ...Script[]]): Script {
  let turn = 0
  return (req, res, seen) => (scripts[Math.min(turn++, scripts.length - 1)] as Script)(req, res, seen)
}

/** A whole chat completion. */
export function completion(
  content: string,
  usage: object = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'test-model',
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' },
    ],
    usage,
  }
}

/** The records of a streamed chat completion, one string each: role, words, finish, usage, `[DONE]`. */
export function streamed(...words: string[]): string[] {
  const chunk = (choices: object[], usage: object | null = null): string =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'test-model', choices, usage })}\n\n`
  const delta = (value: object, finish: string | null = null): string =>
    chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finish }])
  return [
    delta({ role: 'assistant', content: '' }),
    ...words.map((content) => delta({ content })),
    delta({}, 'stop'),
    chunk([], { prompt_tokens: 5, completion_tokens: words.length, total_tokens: 5 + words.length }),
    'data: [DONE]\n\n',
  ]
}

/** Answers with these words, as a stream if the request asks for one. */
export function answerWords(...words: string[]): Script {
  const whole = answerJson(completion(words.join('')))
  const stream = answerStream(streamed(...words))
  return (req, res, seen) => (/"stream":\s*true/.test(seen.body) ? stream : whole)(req, res, seen)
}
