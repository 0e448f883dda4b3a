import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoLanguage, Failure, Question, Reply, Tool } from './language.js'

/** Google's Gemini, as the demo speaks it. */
export const gemini: DemoLanguage = {
  path: /\/models\/[^/]+:(?:streamG|g)enerateContent$/,
  readQuestion,
  writeAnswer,
  writeStream,
  writeFailure,
}

type Fields = Readonly<Record<string, unknown>>

function readQuestion(body: Fields, path: string): Question {
  const contents = Array.isArray(body.contents) ? body.contents.filter(isObject) : []
  const result = partsOf(contents.at(-1))
    .map(({ functionResponse }) => functionResponse)
    .find(isObject)
  const config = isObject(body.generationConfig) ? body.generationConfig : {}
  const most = config.maxOutputTokens
  return {
    model: /models\/([^/]+):/.exec(decodeURIComponent(path))?.[1] ?? '',
    stream: path.endsWith(':streamGenerateContent'),
    said: textOf(contents.findLast(({ role }) => role !== 'model')),
    toolResult: result && outputOf(result.response),
    tool: result ? undefined : toolOf(body),
    schema: schemaOf(config),
    most: typeof most === 'number' ? most : Number.POSITIVE_INFINITY,
    inputTokens: Math.ceil(JSON.stringify(contents).length / 4),
    wantsUsage: true,
  }
}

function partsOf(content: Fields | undefined): Fields[] {
  return Array.isArray(content?.parts) ? content.parts.filter(isObject) : []
}

function textOf(content: Fields | undefined): string {
  return partsOf(content)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('')
}

function outputOf(response: unknown): string {
  const output = isObject(response) ? (response.output ?? response.error ?? response) : ''
  return typeof output === 'string' ? output : JSON.stringify(output)
}

/** The one that the caller insists on, else the first. */
function toolOf({ tools, toolConfig }: Fields): Tool | undefined {
  const config =
    isObject(toolConfig) && isObject(toolConfig.functionCallingConfig) ? toolConfig.functionCallingConfig : {}
  if (config.mode === 'NONE' || !Array.isArray(tools)) return undefined
  const functions = tools
    .filter(isObject)
    .flatMap(({ functionDeclarations: some }) => (Array.isArray(some) ? some : []))
  const allowed: readonly unknown[] = Array.isArray(config.allowedFunctionNames) ? config.allowedFunctionNames : []
  const own = functions.filter(isObject)
  const chosen = own.find(({ name }) => allowed.includes(name)) ?? own[0]
  if (typeof chosen?.name !== 'string') return undefined
  return { name: chosen.name, schema: chosen.parametersJsonSchema ?? chosen.parameters }
}

function schemaOf({ responseMimeType, responseJsonSchema, responseSchema }: Fields): unknown {
  if (responseMimeType !== 'application/json') return undefined
  return responseJsonSchema ?? responseSchema ?? { type: 'object', properties: { answer: { type: 'string' } } }
}

function writeAnswer(reply: Reply, question: Question): unknown {
  const text = reply.pieces.join('')
  const part = reply.tool === undefined ? { text } : call(reply.tool, text)
  return { ...fragment([part], finish(reply)), ...common(reply, question) }
}

/** Text piece by piece; a call in one piece, as Gemini has it. */
function writeStream(reply: Reply, question: Question): readonly string[] {
  const parts =
    reply.tool === undefined ? reply.pieces.map((text) => ({ text })) : [call(reply.tool, reply.pieces.join(''))]
  const last = { ...fragment([{ text: '' }], finish(reply)), ...common(reply, question) }
  const { usageMetadata, ...rest } = last
  const fragments = parts.map((part) => ({ ...rest, ...fragment([part]) }))
  return [...fragments, last].map((value) => `data: ${JSON.stringify(value)}\n\n`)
}

function call(name: string, input: string): object {
  return { functionCall: { id: randomText(8), name, args: JSON.parse(input) } }
}

function fragment(parts: readonly object[], finishReason?: string): object {
  return { candidates: [{ content: { parts, role: 'model' }, ...(finishReason ? { finishReason } : {}), index: 0 }] }
}

function common(
  { pieces }: Reply,
  { inputTokens, model }: Question,
): { usageMetadata: object; modelVersion: string; responseId: string } {
  const output = pieces.length
  const usageMetadata = {
    promptTokenCount: inputTokens,
    candidatesTokenCount: output,
    totalTokenCount: inputTokens + output,
  }
  return { usageMetadata, modelVersion: model, responseId: randomText(22) }
}

function finish({ tool, isCut }: Reply): string {
  return isCut && tool === undefined ? 'MAX_TOKENS' : 'STOP'
}

const WORDS = new Map([
  [400, 'INVALID_ARGUMENT'],
  [404, 'NOT_FOUND'],
  [429, 'RESOURCE_EXHAUSTED'],
  [503, 'UNAVAILABLE'],
])

function writeFailure({ status, message }: Failure): unknown {
  return { error: { code: status, message, status: WORDS.get(status) ?? 'INTERNAL' } }
}
