import type OpenAI from 'openai'
import { openaiClient } from './openai-chat.js'
import {
  ANSWER_SCHEMA,
  type Question,
  type SdkAnswer,
  type SdkClient,
  type Session,
  TOOL_INPUT,
  TOOLS,
} from './sdk-client.js'

type Params = OpenAI.Responses.ResponseCreateParamsNonStreaming
type Answer = OpenAI.Responses.Response

const common = {
  sdk: 'openai',
  model: 'm',
  showsReasoning: true,
  dropsSignaturesOf: [],
  finishReasons: { stop: 'completed', calls: 'completed' },
} as const

export const openaiResponsesSdkClients: readonly SdkClient[] = [
  {
    ...common,
    name: 'openai responses.create',
    streams: false,
    openSession: sessionOpener((client, params) => client.responses.create(params)),
  },
  {
    ...common,
    name: 'openai responses.stream',
    streams: true,
    openSession: sessionOpener((client, params) =>
      client.responses.stream({ ...params, stream: true }).finalResponse(),
    ),
  },
]

function sessionOpener(ask: (client: OpenAI, params: Params) => Promise<Answer>): SdkClient['openSession'] {
  return (origin, key) => {
    const client = openaiClient(origin, key)
    const input: OpenAI.Responses.ResponseInput = []
    let settings: Partial<Params> = {}
    let calls: OpenAI.Responses.ResponseFunctionToolCall[] = []
    const send = async (): Promise<SdkAnswer> => {
      const answer = await ask(client, { model: common.model, input, store: false, ...settings })
      input.push(...(answer.output as OpenAI.Responses.ResponseInput))
      calls = answer.output.filter((item) => item.type === 'function_call')
      return toSdkAnswer(answer)
    }
    const session: Session = {
      ask(asked) {
        settings = settingsOf(asked)
        input.push({ role: 'user', content: contentOf(asked) })
        return send()
      },
      sendResults(results) {
        for (const [index, { call_id }] of calls.entries()) {
          input.push({ type: 'function_call_output', call_id, output: results[index] ?? '' })
        }
        return send()
      },
    }
    return session
  }
}

function toSdkAnswer({ output, output_text: text, status, usage }: Answer): SdkAnswer {
  const reasoning = output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []))
  const calls = output.filter((item) => item.type === 'function_call')
  return {
    text,
    reasoning: reasoning.map((part) => part.text).join(''),
    calls: calls.map(({ name, arguments: json }) => ({ name, input: JSON.parse(json) })),
    finish: status,
    usage: {
      input: usage?.input_tokens,
      cached: usage?.input_tokens_details.cached_tokens,
      output: usage?.output_tokens,
      reasoning: usage?.output_tokens_details.reasoning_tokens,
    },
  }
}

function settingsOf({ tools, reason, hasSchema }: Question): Partial<Params> {
  return {
    ...(reason && { reasoning: { effort: 'medium', summary: 'auto' }, include: ['reasoning.encrypted_content'] }),
    ...(tools && { tools: TOOLS.map((name) => ({ type: 'function', name, parameters: TOOL_INPUT, strict: false })) }),
    ...(hasSchema && { text: { format: { type: 'json_schema', name: 'city', schema: ANSWER_SCHEMA, strict: true } } }),
  }
}

function contentOf({ text, image }: Question): string | OpenAI.Responses.ResponseInputContent[] {
  if (!image) return text
  return [
    { type: 'input_text', text },
    { type: 'input_image', image_url: `data:image/png;base64,${image}`, detail: 'auto' },
  ]
}
