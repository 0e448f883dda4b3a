import {
  type Content,
  type FunctionCall,
  type GenerateContentConfig,
  type GenerateContentResponse,
  GoogleGenAI,
  type Part,
} from '@google/genai'
import {
  ANSWER_SCHEMA,
  type Question,
  type SdkAnswer,
  type SdkClient,
  type Session,
  TOOL_INPUT,
  TOOLS,
} from './sdk-client.js'

const common = {
  sdk: 'genai',
  model: 'm',
  showsReasoning: true,
  dropsSignaturesOf: [],
  finishReasons: { stop: 'STOP', calls: 'STOP' },
} as const

export const genaiSdkClients: readonly SdkClient[] = [
  { ...common, name: 'genai generateContent', streams: false, openSession: sessionOpener(bare, whole) },
  { ...common, name: 'genai generateContentStream', streams: true, openSession: sessionOpener(bare, streamed) },
  { ...common, name: 'genai chats.sendMessage', streams: false, openSession: sessionOpener(chat, whole) },
  { ...common, name: 'genai chats.sendMessageStream', streams: true, openSession: sessionOpener(chat, streamed) },
]

/** Without `apiVersion` the SDK takes the one of its own version. */
export function genaiClient(origin: string, apiKey: string, apiVersion?: string): GoogleGenAI {
  return new GoogleGenAI({
    apiKey,
    ...(apiVersion && { apiVersion }),
    httpOptions: { baseUrl: origin, retryOptions: { attempts: 1 } },
  })
}

/** All fragments of an answer. A whole answer is one fragment. */
type Fragments = readonly GenerateContentResponse[]

/** A way to send a message: with the test's own history, or with that of the SDK's chat. */
interface Asking {
  whole(parts: Part[], config: GenerateContentConfig): Promise<GenerateContentResponse>
  streamed(parts: Part[], config: GenerateContentConfig): Promise<AsyncIterable<GenerateContentResponse>>
  /** Called after the answer. */
  keep(content: Content): void
}

type Gather = (asking: Asking, parts: Part[], config: GenerateContentConfig) => Promise<Fragments>

async function whole(asking: Asking, parts: Part[], config: GenerateContentConfig): Promise<Fragments> {
  return [await asking.whole(parts, config)]
}

async function streamed(asking: Asking, parts: Part[], config: GenerateContentConfig): Promise<Fragments> {
  const fragments: GenerateContentResponse[] = []
  for await (const fragment of await asking.streamed(parts, config)) fragments.push(fragment)
  return fragments
}

function bare(client: GoogleGenAI): Asking {
  const contents: Content[] = []
  const { model } = common
  const push = (parts: Part[]): void => void contents.push({ role: 'user', parts })
  return {
    whole(parts, config) {
      push(parts)
      return client.models.generateContent({ model, contents, config })
    },
    streamed(parts, config) {
      push(parts)
      return client.models.generateContentStream({ model, contents, config })
    },
    keep: (content) => void contents.push(content),
  }
}

function chat(client: GoogleGenAI): Asking {
  const talk = client.chats.create({ model: common.model })
  return {
    whole: (message, config) => talk.sendMessage({ message, config }),
    streamed: (message, config) => talk.sendMessageStream({ message, config }),
    keep: () => undefined,
  }
}

function sessionOpener(asks: (client: GoogleGenAI) => Asking, gather: Gather): SdkClient['openSession'] {
  return (origin, key) => {
    const asking = asks(genaiClient(origin, key))
    let config: GenerateContentConfig = {}
    let calls: FunctionCall[] = []
    const send = async (parts: Part[]): Promise<SdkAnswer> => {
      const fragments = await gather(asking, parts, config)
      const said = partsOf(fragments)
      asking.keep({ role: 'model', parts: said })
      calls = said.flatMap(({ functionCall }) => functionCall ?? [])
      return readAnswer(fragments, said)
    }
    const session: Session = {
      ask(asked) {
        config = configOf(asked)
        const image = asked.image ? [{ inlineData: { mimeType: 'image/png', data: asked.image } }] : []
        return send([{ text: asked.text }, ...image])
      },
      sendResults: (results) =>
        send(calls.map((call, index) => ({ functionResponse: answered(call, results[index]) }))),
    }
    return session
  }
}

function answered({ id, name }: FunctionCall, output: string | undefined): object {
  return { ...(id !== undefined && { id }), name, response: { output } }
}

function partsOf(fragments: Fragments): Part[] {
  return fragments.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
}

function readAnswer(fragments: Fragments, parts: readonly Part[]): SdkAnswer {
  const last = fragments.at(-1)
  const { promptTokenCount, cachedContentTokenCount, candidatesTokenCount, thoughtsTokenCount } =
    last?.usageMetadata ?? {}
  return {
    text: parts.map(({ text, thought }) => (thought ? '' : (text ?? ''))).join(''),
    reasoning: parts.map(({ text, thought }) => (thought ? (text ?? '') : '')).join(''),
    calls: parts.flatMap(({ functionCall: call }) => (call ? [{ name: call.name ?? '', input: call.args }] : [])),
    finish: last?.candidates?.[0]?.finishReason,
    usage: {
      input: promptTokenCount,
      cached: cachedContentTokenCount,
      output: (candidatesTokenCount ?? 0) + (thoughtsTokenCount ?? 0),
      reasoning: thoughtsTokenCount,
    },
  }
}

function configOf({ tools, reason, hasSchema }: Question): GenerateContentConfig {
  const functionDeclarations = TOOLS.map((name) => ({ name, parametersJsonSchema: TOOL_INPUT }))
  return {
    ...(reason && { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 } }),
    ...(tools && { tools: [{ functionDeclarations }] }),
    ...(hasSchema && { responseMimeType: 'application/json', responseJsonSchema: ANSWER_SCHEMA }),
  }
}
