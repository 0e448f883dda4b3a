import type OpenAI from 'openai'
import { type Asked, INPUT, type Judge, type Said, SCHEMA, type Session, TOOLS } from './judge.js'
import { openaiClient } from './openai-chat.js'

type Params = OpenAI.Responses.ResponseCreateParamsNonStreaming
type Answer = OpenAI.Responses.Response

const common = {
  sdk: 'openai',
  model: 'm',
  shows: true,
  drops: [],
  ends: { stop: 'completed', calls: 'completed' },
} as const

export const openaiResponsesJudges: readonly Judge[] = [
  {
    ...common,
    name: 'openai responses.create',
    streams: false,
    open: opening((client, params) => client.responses.create(params)),
  },
  {
    ...common,
    name: 'openai responses.stream',
    streams: true,
    open: opening((client, params) => client.responses.stream({ ...params, stream: true }).finalResponse()),
  },
]

function opening(ask: (client: OpenAI, params: Params) => Promise<Answer>): Judge['open'] {
  return (origin, key) => {
    const client = openaiClient(origin, key)
    const input: OpenAI.Responses.ResponseInput = []
    let settings: Partial<Params> = {}
    let calls: OpenAI.Responses.ResponseFunctionToolCall[] = []
    const go = async (): Promise<Said> => {
      const answer = await ask(client, { model: common.model, input, store: false, ...settings })
      input.push(...(answer.output as OpenAI.Responses.ResponseInput))
      calls = answer.output.filter((item) => item.type === 'function_call')
      return said(answer)
    }
    const session: Session = {
      ask(asked) {
        settings = settingsOf(asked)
        input.push({ role: 'user', content: contentOf(asked) })
        return go()
      },
      tell(results) {
        for (const [index, { call_id }] of calls.entries()) {
          input.push({ type: 'function_call_output', call_id, output: results[index] ?? '' })
        }
        return go()
      },
    }
    return session
  }
}

function said({ output, output_text: text, status, usage }: Answer): Said {
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

function settingsOf({ tools, reason, shaped }: Asked): Partial<Params> {
  return {
    ...(reason && { reasoning: { effort: 'medium', summary: 'auto' }, include: ['reasoning.encrypted_content'] }),
    ...(tools && { tools: TOOLS.map((name) => ({ type: 'function', name, parameters: INPUT, strict: false })) }),
    ...(shaped && { text: { format: { type: 'json_schema', name: 'city', schema: SCHEMA, strict: true } } }),
  }
}

function contentOf({ text, image }: Asked): string | OpenAI.Responses.ResponseInputContent[] {
  if (!image) return text
  return [
    { type: 'input_text', text },
    { type: 'input_image', image_url: `data:image/png;base64,${image}`, detail: 'auto' },
  ]
}
