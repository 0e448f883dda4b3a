import OpenAI from 'openai'
import {
  ALL_PROTOCOLS,
  ANSWER_SCHEMA,
  type Question,
  type SdkAnswer,
  type SdkClient,
  type SdkUsage,
  type Session,
  TOOL_INPUT,
  TOOLS,
} from './sdk-client.js'

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming
type Message = OpenAI.ChatCompletionMessageParam

const common = {
  sdk: 'openai',
  model: 'm',
  showsReasoning: true,
  finishReasons: { stop: 'stop', calls: 'tool_calls' },
} as const

export const openaiChatSdkClients: readonly SdkClient[] = [
  {
    ...common,
    name: 'openai chat.completions.create',
    streams: false,
    dropsSignaturesOf: [],
    openSession: sessionOpener(whole),
  },
  {
    ...common,
    name: 'openai chat.completions.stream',
    streams: true,
    dropsSignaturesOf: ALL_PROTOCOLS,
    openSession: sessionOpener(streamed),
  },
]

export function openaiClient(origin: string, apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 })
}

/** An answer, and its reasoning, which the official type lacks. */
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

function sessionOpener(ask: Ask): SdkClient['openSession'] {
  return (origin, key) => {
    const client = openaiClient(origin, key)
    const messages: Message[] = []
    let settings: Partial<Params> = {}
    let calls: OpenAI.ChatCompletionMessageToolCall[] = []
    const send = async (): Promise<SdkAnswer> => {
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
        usage: toSdkUsage(completion.usage),
      }
    }
    const session: Session = {
      ask(asked) {
        settings = settingsOf(asked)
        messages.push({ role: 'user', content: contentOf(asked) })
        return send()
      },
      sendResults(results) {
        for (const [index, { id }] of calls.entries()) {
          messages.push({ role: 'tool', tool_call_id: id, content: results[index] ?? '' })
        }
        return send()
      },
    }
    return session
  }
}

function settingsOf({ tools, reason, hasSchema }: Question): Partial<Params> {
  return {
    ...(reason && { reasoning_effort: 'medium' }),
    ...(tools && { tools: TOOLS.map((name) => ({ type: 'function', function: { name, parameters: TOOL_INPUT } })) }),
    ...(hasSchema && {
      response_format: { type: 'json_schema', json_schema: { name: 'city', schema: ANSWER_SCHEMA, strict: true } },
    }),
  }
}

function contentOf({ text, image }: Question): string | OpenAI.ChatCompletionContentPart[] {
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

function toSdkUsage(usage: OpenAI.CompletionUsage | undefined): SdkUsage {
  return {
    input: usage?.prompt_tokens,
    cached: usage?.prompt_tokens_details?.cached_tokens,
    output: usage?.completion_tokens,
    reasoning: usage?.completion_tokens_details?.reasoning_tokens,
  }
}
