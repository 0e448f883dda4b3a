import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import {
  generateObject,
  generateText,
  jsonSchema,
  type LanguageModel,
  type LanguageModelUsage,
  type ModelMessage,
  streamObject,
  streamText,
  type ToolSet,
  tool,
} from 'ai'
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

// Otherwise the SDK warns about every option that its list of models does not support.
globalThis.AI_SDK_LOG_WARNINGS = false

/** A provider of the AI SDK, and its options that request reasoning. */
interface Kind {
  readonly name: string
  readonly model: SdkClient['model']
  readonly showsReasoning: boolean
  readonly dropsSignaturesOf: SdkClient['dropsSignaturesOf']
  /** The same for streams, if it differs. */
  readonly dropsInStreams?: SdkClient['dropsSignaturesOf']
  make(origin: string, apiKey: string): LanguageModel
  readonly wantsReasoning: Options
  /** Provider options of every call. */
  readonly always?: Options
}
type Options = NonNullable<Parameters<typeof generateText>[0]['providerOptions']>

const kinds: readonly Kind[] = [
  {
    name: 'openai.chat',
    model: 'gpt-5',
    showsReasoning: false,
    dropsSignaturesOf: ALL_PROTOCOLS,
    make: (origin, apiKey) => createOpenAI({ baseURL: `${origin}/v1`, apiKey }).chat('gpt-5'),
    wantsReasoning: { openai: { reasoningEffort: 'medium' } },
  },
  {
    name: 'openai.responses',
    model: 'gpt-5',
    showsReasoning: true,
    dropsSignaturesOf: [],
    make: (origin, apiKey) => createOpenAI({ baseURL: `${origin}/v1`, apiKey }).responses('gpt-5'),
    wantsReasoning: { openai: { reasoningEffort: 'medium', reasoningSummary: 'auto', store: false } },
    always: { openai: { store: false } },
  },
  {
    name: 'anthropic',
    model: 'claude-sonnet-4-5',
    showsReasoning: true,
    dropsSignaturesOf: ['gemini'],
    make: (origin, apiKey) => createAnthropic({ baseURL: `${origin}/v1`, apiKey })('claude-sonnet-4-5'),
    wantsReasoning: { anthropic: { thinking: { type: 'enabled', budgetTokens: 2048 } } },
  },
  {
    name: 'google',
    model: 'gemini-3-pro-preview',
    showsReasoning: true,
    dropsSignaturesOf: [],
    // The SDK drops a signature that arrives after the last reasoning delta.
    dropsInStreams: ['openai-responses', 'anthropic-messages'],
    make: (origin, apiKey) => createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey })('gemini-3-pro-preview'),
    wantsReasoning: { google: { thinkingConfig: { includeThoughts: true, thinkingLevel: 'high' } } },
  },
]

const finishReasons = { stop: 'stop', calls: 'tool-calls' } as const

export const aiSdkClients: readonly SdkClient[] = kinds.flatMap((kind) => [
  {
    ...commonFields(kind),
    name: `ai generateText with ${kind.name}`,
    streams: false,
    openSession: sessionOpener(kind, whole),
  },
  {
    ...commonFields(kind),
    name: `ai streamText with ${kind.name}`,
    streams: true,
    dropsSignaturesOf: kind.dropsInStreams ?? kind.dropsSignaturesOf,
    openSession: sessionOpener(kind, streamed),
  },
])

function commonFields({
  model,
  showsReasoning,
  dropsSignaturesOf,
}: Kind): Pick<SdkClient, 'sdk' | 'model' | 'showsReasoning' | 'dropsSignaturesOf' | 'finishReasons'> {
  return { sdk: 'ai', model, showsReasoning, dropsSignaturesOf, finishReasons }
}

interface Params {
  readonly model: LanguageModel
  readonly messages: ModelMessage[]
  readonly providerOptions: Options
  readonly tools: ToolSet
  readonly maxRetries: number
}

interface Answered {
  readonly text: string
  readonly reasoning: string | undefined
  readonly calls: readonly { toolCallId: string; toolName: string; input: unknown }[]
  readonly finish: string
  readonly usage: LanguageModelUsage
  readonly messages: readonly ModelMessage[]
}

/** Tools without an implementation, since the test supplies the results. */
const tools: ToolSet = Object.fromEntries(TOOLS.map((name) => [name, tool({ inputSchema: jsonSchema(TOOL_INPUT) })]))

async function whole(params: Params, hasSchema: boolean): Promise<Answered> {
  if (hasSchema) {
    const { object, usage, finishReason } = await generateObject({ ...params, schema: jsonSchema(ANSWER_SCHEMA) })
    return shape(object, usage, finishReason)
  }
  const { text, reasoningText, toolCalls, finishReason, usage, response } = await generateText(params)
  const { messages } = response
  return { text, reasoning: reasoningText, calls: toolCalls, finish: finishReason, usage, messages }
}

/** Streams of the AI SDK report errors as parts. This throws them. */
async function streamed(params: Params, hasSchema: boolean): Promise<Answered> {
  const failures: unknown[] = []
  const onError = ({ error }: { error: unknown }): void => void failures.push(error)
  const gather = hasSchema ? gatherObject : gatherText
  try {
    const answered = await gather(params, onError)
    if (failures.length === 0) return answered
  } catch (error) {
    failures.push(error)
  }
  throw failures[0]
}

type OnError = (event: { error: unknown }) => void

async function gatherText(params: Params, onError: OnError): Promise<Answered> {
  const stream = streamText({ ...params, onError })
  await stream.consumeStream()
  const [text, reasoning, calls] = await Promise.all([stream.text, stream.reasoningText, stream.toolCalls])
  const { messages } = await stream.response
  return { text, reasoning, calls, finish: await stream.finishReason, usage: await stream.usage, messages }
}

async function gatherObject(params: Params, onError: OnError): Promise<Answered> {
  const stream = streamObject({ ...params, schema: jsonSchema(ANSWER_SCHEMA), onError })
  let last: unknown
  for await (const partial of stream.partialObjectStream) last = partial
  return shape(last, await stream.usage, await stream.finishReason)
}

function shape(object: unknown, usage: LanguageModelUsage, finish: string): Answered {
  return { text: JSON.stringify(object), reasoning: undefined, calls: [], finish, usage, messages: [] }
}

function sessionOpener(
  kind: Kind,
  ask: (params: Params, hasSchema: boolean) => Promise<Answered>,
): SdkClient['openSession'] {
  return (origin, key) => {
    const model = kind.make(origin, key)
    const messages: ModelMessage[] = []
    let settings: Question = { text: '' }
    let calls: Answered['calls'] = []
    const send = async (): Promise<SdkAnswer> => {
      const providerOptions = settings.reason ? kind.wantsReasoning : (kind.always ?? {})
      const offered = settings.tools ? tools : {}
      const params = { model, messages, providerOptions, tools: offered, maxRetries: 0 }
      const answer = await ask(params, settings.hasSchema === true)
      calls = answer.calls
      messages.push(...answer.messages)
      return toSdkAnswer(answer)
    }
    const session: Session = {
      ask(asked) {
        settings = asked
        messages.push({ role: 'user', content: contentOf(asked) })
        return send()
      },
      sendResults(results) {
        const content = calls.map(({ toolCallId, toolName }, index) => ({
          type: 'tool-result' as const,
          toolCallId,
          toolName,
          output: { type: 'text' as const, value: results[index] ?? '' },
        }))
        messages.push({ role: 'tool', content })
        return send()
      },
    }
    return session
  }
}

function contentOf({ text, image }: Question): Extract<ModelMessage, { role: 'user' }>['content'] {
  if (!image) return text
  return [
    { type: 'text', text },
    { type: 'image', image, mediaType: 'image/png' },
  ]
}

function toSdkAnswer({ text, reasoning = '', calls, finish, usage }: Answered): SdkAnswer {
  return {
    text,
    reasoning,
    calls: calls.map(({ toolName: name, input }) => ({ name, input })),
    finish,
    usage: toSdkUsage(usage),
  }
}

function toSdkUsage({
  inputTokens,
  inputTokenDetails,
  outputTokens,
  outputTokenDetails,
}: LanguageModelUsage): SdkUsage {
  const { cacheReadTokens: cached } = inputTokenDetails
  return { input: inputTokens, cached, output: outputTokens, reasoning: outputTokenDetails.reasoningTokens }
}
