import Anthropic from '@anthropic-ai/sdk'
import { type Asked, INPUT, type Judge, type Said, SCHEMA, type Session, TOOLS } from './judge.js'

type Params = Anthropic.MessageCreateParamsNonStreaming

const common = {
  sdk: 'anthropic',
  model: 'm',
  shows: true,
  // A call has no place for its signature.
  drops: ['gemini'],
  ends: { stop: 'end_turn', calls: 'tool_use' },
} as const

export const anthropicJudges: readonly Judge[] = [
  {
    ...common,
    name: 'anthropic messages.create',
    streams: false,
    open: opening((client, params) => client.messages.create(params)),
  },
  {
    ...common,
    name: 'anthropic messages.stream',
    streams: true,
    open: opening((client, params) => client.messages.stream(params).finalMessage()),
  },
]

export function anthropicClient(origin: string, apiKey: string): Anthropic {
  return new Anthropic({ baseURL: origin, apiKey, maxRetries: 0 })
}

function opening(ask: (client: Anthropic, params: Params) => Promise<Anthropic.Message>): Judge['open'] {
  return (origin, key) => {
    const client = anthropicClient(origin, key)
    const messages: Anthropic.MessageParam[] = []
    let settings: Partial<Params> = {}
    let calls: Anthropic.ToolUseBlock[] = []
    const go = async (): Promise<Said> => {
      const message = await ask(client, { model: common.model, max_tokens: 4096, messages, ...settings })
      messages.push({ role: 'assistant', content: message.content })
      calls = message.content.filter((block) => block.type === 'tool_use')
      return said(message)
    }
    const session: Session = {
      ask(asked) {
        settings = settingsOf(asked)
        messages.push({ role: 'user', content: contentOf(asked) })
        return go()
      },
      tell(results) {
        const content = calls.map(({ id }, index) => ({
          type: 'tool_result' as const,
          tool_use_id: id,
          content: results[index] ?? '',
        }))
        messages.push({ role: 'user', content })
        return go()
      },
    }
    return session
  }
}

function said({ content, stop_reason, usage }: Anthropic.Message): Said {
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

function settingsOf({ tools, reason, shaped }: Asked): Partial<Params> {
  return {
    ...(reason && { thinking: { type: 'enabled', budget_tokens: 2048 } }),
    ...(tools && { tools: TOOLS.map((name) => ({ name, input_schema: INPUT })) }),
    ...(shaped && { output_config: { format: { type: 'json_schema', schema: SCHEMA } } }),
  }
}

function contentOf({ text, image }: Asked): string | Anthropic.ContentBlockParam[] {
  if (!image) return text
  return [
    { type: 'text', text },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: image } },
  ]
}
