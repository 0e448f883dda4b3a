import {
  type AnswerContent,
  assertValid,
  type Json,
  type ReceivedRequest,
  splitText,
  sse,
  type ToolExchange,
  type UpstreamProtocol,
  USAGE,
} from './upstream-protocol.js'

const SIGNATURE = 'R2VtaW5pVGhvdWdodFNpZ25hdHVyZQ=='
const SKIP = 'skip_thought_signature_validator'
const HEAD = { modelVersion: 'gemini-3-pro-preview', responseId: 'gemini-up' }
const usageMetadata = {
  promptTokenCount: USAGE.input,
  cachedContentTokenCount: USAGE.cached,
  candidatesTokenCount: USAGE.output - USAGE.reasoning,
  thoughtsTokenCount: USAGE.reasoning,
  totalTokenCount: USAGE.input + USAGE.output,
}

/** generateContent, from a model that requires the signatures of its calls back. */
export const gemini: UpstreamProtocol = {
  id: 'gemini',
  model: 'gemini-3-pro-preview',
  signature: SIGNATURE,
  provider: (port) => ({ type: 'gemini', baseURL: `http://127.0.0.1:${port}`, apiKey: 'AIza-up' }),
  isStreamed: (url) => url.includes(':streamGenerateContent'),
  whole: (words) => fragment(parts(words), { finishReason: 'STOP' }),
  records: (words) => [...pieces(words), fragment([{ text: '' }], { finishReason: 'STOP' })].map((one) => sse(one)),
  errorBody: (code, message) => ({ error: { code, message, status: WORDS[code] } }),
  errorRecord: (message) => sse({ error: { code: 503, message, status: 'UNAVAILABLE' } }),
  readRequest,
  counting: { path: /:countTokens$/, answer: (totalTokens) => ({ totalTokens }) },
}

const WORDS: Record<number, string> = { 400: 'INVALID_ARGUMENT', 429: 'RESOURCE_EXHAUSTED', 529: 'UNAVAILABLE' }

function fragment(content: readonly object[], more: object = {}): object {
  return { candidates: [{ content: { role: 'model', parts: content }, index: 0, ...more }], usageMetadata, ...HEAD }
}

function parts({ reasoning, text, calls }: AnswerContent): object[] {
  return [
    ...(reasoning ? [{ text: reasoning, thought: true }] : []),
    ...(text ? [{ text: text.join('') }] : []),
    ...callParts(calls),
  ]
}

/** The first of parallel calls has the signature. */
function callParts(calls: AnswerContent['calls'] = []): object[] {
  return calls.map(({ id, name, input }, index) => ({
    functionCall: { id, name, args: input },
    ...(index === 0 && { thoughtSignature: SIGNATURE }),
  }))
}

/** Text in several fragments, and each call in one. */
function pieces(words: AnswerContent): object[] {
  const thoughts = splitText(words.reasoning ?? '').map((text) => fragment([{ text, thought: true }]))
  const said = (words.text ?? []).map((text) => fragment([{ text }]))
  return [...thoughts, ...said, ...callParts(words.calls).map((call) => fragment([call]))]
}

function readRequest(body: Json): ReceivedRequest {
  const received = { texts: [] as string[], images: [] as { mime: string; data: string }[], signatures: [] as string[] }
  const exchanges: ToolExchange[] = []
  let results = 0
  const contents = merged(body.contents)
  for (const [index, { role, parts: said }] of contents.entries()) {
    assertValid(role === 'user' || role === 'model', 'Please use a valid role: user, model.')
    if (role === 'user') for (const part of said) collectContent(part, received)
    const calls = said.filter(({ functionCall }: Json) => functionCall)
    const answers = (contents[index + 1]?.parts ?? []).filter(({ functionResponse }: Json) => functionResponse)
    results += said.filter(({ functionResponse }: Json) => functionResponse).length
    assertValid(
      calls.length === 0 || answers.length === calls.length,
      'the number of function response parts must be equal',
    )
    for (const [at, { functionCall: call }] of calls.entries()) {
      const { name, response } = answers[at].functionResponse
      assertValid(name === call.name, `function response ${name} for function call ${call.name}`)
      exchanges.push({ name, input: call.args, result: response.output ?? response.content })
    }
    assertValid(calls.length === 0 || calls[0].thoughtSignature, 'Function call is missing a thought_signature')
    for (const { thoughtSignature } of said) if (thoughtSignature) received.signatures.push(thoughtSignature)
  }
  assertValid(results === exchanges.length, 'a response without its call')
  assertValid(
    received.signatures.every((one) => one === SIGNATURE || one === SKIP),
    'Corrupted thought signature.',
  )
  const settings = body.generationConfig ?? {}
  const { thinkingBudget, thinkingLevel } = settings.thinkingConfig ?? {}
  assertValid(thinkingBudget === undefined || thinkingLevel === undefined, 'You can only set one of budget and level')
  return {
    ...received,
    exchanges,
    thoughts: [],
    tools: (body.tools ?? []).flatMap(({ functionDeclarations = [] }: Json) => functionDeclarations.map(nameOf)),
    schema: settings.responseJsonSchema ?? settings.responseSchema,
    wantsReasoning: settings.thinkingConfig?.includeThoughts === true,
  }
}

/** Merges adjacent contents of one role, since Google's SDK keeps each fragment as its own content. */
function merged(contents: readonly Json[]): Json[] {
  const said: Json[] = []
  for (const { role, parts: more } of contents) {
    const last = said.at(-1)
    if (last?.role === role) last.parts.push(...more)
    else said.push({ role, parts: [...more] })
  }
  return said
}

function nameOf({ name }: { name: string }): string {
  return name
}

function collectContent(part: Json, received: { texts: string[]; images: { mime: string; data: string }[] }): void {
  if (part.text) received.texts.push(part.text)
  if (part.inlineData) received.images.push({ mime: part.inlineData.mimeType, data: part.inlineData.data })
}
