import OpenAI from 'openai'
import { type Asked, type Counted, EVERY, INPUT, type Judge, type Said, SCHEMA, type Session, TOOLS } from './judge.js'

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming
type Message = OpenAI.ChatCompletionMessageParam

const common = {
  sdk: 'openai',
  model: 'm',
  shows: true,
  ends: { stop: 'stop', calls: 'tool_calls' },
} as const

export const openaiChatJudges: readonly Judge[] = [
  { ...common, name: 'openai chat.completions.create', streams: false, drops: [], open: opening(whole) },
  { ...common, name: 'openai chat.completions.stream', streams: true, drops: EVERY, open: opening(streamed) },
]

export function openaiClient(origin: string, apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 })
}

/** An answer, and the reasoning that the official type has no name for. */
interface Answered {
  readonly completion: OpenAI.ChatCompletion
  readonly reasoning: string
}

type Ask = (client: OpenAI, params: Params) => Promise<Answered>

async function whole(client: OpenAI, params: Params): Promise<Answered> {
  const completion = await client.chat.completions.create(params)
  return { completion, reasoning: thoughtsOf(completion.choices[0]?.message) }
}

async function streamed(client: OpenAI, params: Params): Promise<Answered> {
  const stream = client.chat.completions.stream({ ...params, stream: true, stream_options: { include_usage: true } })
  let reasoning = ''
  stream.on('chunk', (chunk) => {
    reasoning += thoughtsOf(chunk.choices[0]?.delta)
  })
  return { completion: await stream.finalChatCompletion(), reasoning }
}

function thoughtsOf(message: object | undefined): string {
  const { reasoning_content: text } = (message ?? {}) as { reasoning_content?: unknown }
  return typeof text === 'string' ? text : ''
}

function opening(ask: Ask): Judge['open'] {
  return (origin, key) => {
    const client = openaiClient(origin, key)
    const messages: Message[] = []
    let settings: Partial<Params> = {}
    let calls: OpenAI.ChatCompletionMessageToolCall[] = []
    const go = async (): Promise<Said> => {
      const { completion, reasoning } = await ask(client, { model: common.model, messages, ...settings })
      const [choice] = completion.choices
      if (!choice) throw new Error('no choice')
      messages.push(choice.message)
      calls = choice.message.tool_calls ?? []
      return {
        text: choice.message.content ?? '',
        reasoning,
        calls: calls.flatMap((call) => (call.type === 'function' ? [readCall(call)] : [])),
        finish: choice.finish_reason,
        usage: counted(completion.usage),
      }
    }
    const session: Session = {
      ask(asked) {
        settings = settingsOf(asked)
        messages.push({ role: 'user', content: contentOf(asked) })
        return go()
      },
      tell(results) {
        for (const [index, { id }] of calls.entries()) {
          messages.push({ role: 'tool', tool_call_id: id, content: results[index] ?? '' })
        }
        return go()
      },
    }
    return session
  }
}

function settingsOf({ tools, reason, shaped }: Asked): Partial<Params> {
  return {
    ...(reason && { reasoning_effort: 'medium' }),
    ...(tools && { tools: TOOLS.map((name) => ({ type: 'function', function: { name, parameters: INPUT } })) }),
    ...(shaped && {
      response_format: { type: 'json_schema', json_schema: { name: 'city', schema: SCHEMA, strict: true } },
    }),
  }
}

function contentOf({ text, image }: Asked): string | OpenAI.ChatCompletionContentPart[] {
  if (!image) return text
  return [
    { type: 'text', text },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } },
  ]
}

function readCall({ function: { name, arguments: text } }: OpenAI.ChatCompletionMessageFunctionToolCall): {
  name: string
  input: unknown
} {
  return { name, input: JSON.parse(text) }
}

function counted(usage: OpenAI.CompletionUsage | undefined): Counted {
  return {
    input: usage?.prompt_tokens,
    cached: usage?.prompt_tokens_details?.cached_tokens,
    output: usage?.completion_tokens,
    reasoning: usage?.completion_tokens_details?.reasoning_tokens,
  }
}
