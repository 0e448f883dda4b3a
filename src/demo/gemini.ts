import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoFailure, DemoProtocol, DemoReply, DemoRequest, DemoTool } from './protocol.js'

/** Google's Gemini API in the demo. */
export const gemini: DemoProtocol = {
  path: /\/models\/[^/]+:(?:streamG|g)enerateContent$/,
  readRequest,
  writeAnswer,
  writeStream,
  writeError,
}

type Fields = Readonly<Record<string, unknown>>

function readRequest(body: Fields, path: string): DemoRequest {
  const contents = Array.isArray(body.contents) ? body.contents.filter(isObject) : []
  const result = partsOf(contents.at(-1))
    .map(({ functionResponse }) => functionResponse)
    .find(isObject)
  const config = isObject(body.generationConfig) ? body.generationConfig : {}
  const maxTokens = config.maxOutputTokens
  return {
    model: /models\/([^/]+):/.exec(decodeURIComponent(path))?.[1] ?? '',
    stream: path.endsWith(':streamGenerateContent'),
    userText: textOf(contents.findLast(({ role }) => role !== 'model')),
    toolResult: result && outputOf(result.response),
    tool: result ? undefined : toolOf(body),
    schema: schemaOf(config),
    maxWords: typeof maxTokens === 'number' ? maxTokens : Number.POSITIVE_INFINITY,
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

/** The first allowed function, else the first. */
function toolOf({ tools, toolConfig }: Fields): DemoTool | undefined {
  const config =
    isObject(toolConfig) && isObject(toolConfig.functionCallingConfig) ? toolConfig.functionCallingConfig : {}
  if (config.mode === 'NONE' || !Array.isArray(tools)) return undefined
  const functions = tools
    .filter(isObject)
    .flatMap(({ functionDeclarations }) => (Array.isArray(functionDeclarations) ? functionDeclarations : []))
  const allowedNames: readonly unknown[] = Array.isArray(config.allowedFunctionNames) ? config.allowedFunctionNames : []
  const declarations = functions.filter(isObject)
  const chosen = declarations.find(({ name }) => allowedNames.includes(name)) ?? declarations[0]
  if (typeof chosen?.name !== 'string') return undefined
  return { name: chosen.name, schema: chosen.parametersJsonSchema ?? chosen.parameters }
}

function schemaOf({ responseMimeType, responseJsonSchema, responseSchema }: Fields): unknown {
  if (responseMimeType !== 'application/json') return undefined
  return responseJsonSchema ?? responseSchema ?? { type: 'object', properties: { answer: { type: 'string' } } }
}

function writeAnswer(reply: DemoReply, request: DemoRequest): unknown {
  const text = reply.words.join('')
  const part = reply.toolName === undefined ? { text } : functionCallPart(reply.toolName, text)
  return { ...candidate([part], finishReason(reply)), ...responseFields(reply, request) }
}

/** Text word by word, but a function call in one chunk, as Gemini streams it. */
function writeStream(reply: DemoReply, request: DemoRequest): readonly string[] {
  const parts =
    reply.toolName === undefined
      ? reply.words.map((text) => ({ text }))
      : [functionCallPart(reply.toolName, reply.words.join(''))]
  const last = { ...candidate([{ text: '' }], finishReason(reply)), ...responseFields(reply, request) }
  const { usageMetadata, ...rest } = last
  const chunks = parts.map((part) => ({ ...rest, ...candidate([part]) }))
  return [...chunks, last].map((value) => `data: ${JSON.stringify(value)}\n\n`)
}

function functionCallPart(name: string, input: string): object {
  return { functionCall: { id: randomText(8), name, args: JSON.parse(input) } }
}

function candidate(parts: readonly object[], finishReason?: string): object {
  return { candidates: [{ content: { parts, role: 'model' }, ...(finishReason ? { finishReason } : {}), index: 0 }] }
}

function responseFields(
  { words }: DemoReply,
  { inputTokens, model }: DemoRequest,
): { usageMetadata: object; modelVersion: string; responseId: string } {
  const output = words.length
  const usageMetadata = {
    promptTokenCount: inputTokens,
    candidatesTokenCount: output,
    totalTokenCount: inputTokens + output,
  }
  return { usageMetadata, modelVersion: model, responseId: randomText(22) }
}

function finishReason({ toolName, isTruncated }: DemoReply): string {
  return isTruncated && toolName === undefined ? 'MAX_TOKENS' : 'STOP'
}

const ERROR_STATUSES = new Map([
  [400, 'INVALID_ARGUMENT'],
  [404, 'NOT_FOUND'],
  [429, 'RESOURCE_EXHAUSTED'],
  [503, 'UNAVAILABLE'],
])

function writeError({ status, message }: DemoFailure): unknown {
  return { error: { code: status, message, status: ERROR_STATUSES.get(status) ?? 'INTERNAL' } }
}
