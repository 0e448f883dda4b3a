import Anthropic from '@anthropic-ai/sdk'
import {
  ANSWER_SCHEMA,
  type Question,
  type SdkAnswer,
  type SdkClient,
  type Session,
  TOOL_INPUT,
  TOOLS,
} from './sdk-client.js'

type Params = Anthropic.MessageCreateParamsNonStreaming

const common = {
  sdk: 'anthropic',
  model: 'm',
  showsReasoning: true,
  // A tool_use block has no field for a signature.
  dropsSignaturesOf: ['gemini'],
  finishReasons: { stop: 'end_turn', calls: 'tool_use' },
} as const

export const anthropicSdkClients: readonly SdkClient[] = [
  {
    ...common,
    name: 'anthropic messages.create',
    streams: false,
    openSession: sessionOpener((client, params) => client.messages.create(params)),
  },
  {
    ...common,
    name: 'anthropic messages.stream',
    streams: true,
    openSession: sessionOpener((client, params) => client.messages.stream(params).finalMessage()),
  },
]

export function anthropicClient(origin: string, apiKey: string): Anthropic {
  return new Anthropic({ baseURL: origin, apiKey, maxRetries: 0 })
}

function sessionOpener(
  ask: (client: Anthropic, params: Params) => Promise<Anthropic.Message>,
): SdkClient['openSession'] {
  return (origin, key) => {
    const client = anthropicClient(origin, key)
    const messages: Anthropic.MessageParam[] = []
    let settings: Partial<Params> = {}
    let calls: Anthropic.ToolUseBlock[] = []
    const send = async (): Promise<SdkAnswer> => {
      const message = await ask(client, { model: common.model, max_tokens: 4096, messages, ...settings })
      messages.push({ role: 'assistant', content: message.content })
      calls = message.content.filter((block) => block.type === 'tool_use')
      return toSdkAnswer(message)
    }
    const session: Session = {
      ask(asked) {
        settings = settingsOf(asked)
        messages.push({ role: 'user', content: contentOf(asked) })
        return send()
      },
      sendResults(results) {
        const content = calls.map(({ id }, index) => ({
          type: 'tool_result' as const,
          tool_use_id: id,
          content: results[index] ?? '',
        }))
        messages.push({ role: 'user', content })
        return send()
      },
    }
    return session
  }
}

function toSdkAnswer({ content, stop_reason, usage }: Anthropic.Message): SdkAnswer {
  const cached = usage.cache_read_input_tokens ?? 0
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    reasoning: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls: content.flatMap((block) => (block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [])),
    finish: stop_reason,
    usage: {
      input: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
      cached,
      output: usage.output_tokens,
      reasoning: usage.output_tokens_details?.thinking_tokens,
    },
  }
}

function settingsOf({ tools, reason, hasSchema }: Question): Partial<Params> {
  return {
    ...(reason && { thinking: { type: 'enabled', budget_tokens: 2048 } }),
    ...(tools && { tools: TOOLS.map((name) => ({ name, input_schema: TOOL_INPUT })) }),
    ...(hasSchema && { output_config: { format: { type: 'json_schema', schema: ANSWER_SCHEMA } } }),
  }
}

function contentOf({ text, image }: Question): string | Anthropic.ContentBlockParam[] {
  if (!image) return text
  return [
    { type: 'text', text },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: image } },
  ]
}
