import { asksToReason } from './effort.js'
import type { Losses } from './losses.js'
import type { ChatRequest, Format, JsonSchema, ToolChoice, Turn } from './request.js'
import { isHarmless, type Setting } from './settings.js'

/** What a model takes of the settings that its language has words for. Left out: all of them. */
export interface SupportedSettings {
  /** Settings that it does not take at all. */
  readonly unsupported?: readonly Setting[]
  /** The lowest and the highest temperature. */
  readonly temperatures?: readonly [lowest: number, highest: number]
  /** Ways to be told which tools to call. */
  readonly toolChoices?: readonly ToolChoice['type'][]
  /** The same while it reasons: told another way, it does not reason. */
  readonly toolChoicesReasoning?: readonly ToolChoice['type'][]
  /** Formats that it can be held to. */
  readonly formats?: readonly Format['type'][]
}

/** A request as a model takes it. What is changed is told. @throws {RelayError} for several answers where it gives one */
export function dropUnsupported(request: ChatRequest, by: SupportedSettings, losses: Losses): ChatRequest {
  return STEPS.reduce((told, step) => step(told, by, losses), request)
}

type Step = (request: ChatRequest, by: SupportedSettings, losses: Losses) => ChatRequest

const STEPS: readonly Step[] = [withoutUntaken, tempered, chosen, unreasoned, formatTaken]

const UNTAKEN = 'is not taken by this model'

function withoutUntaken(request: ChatRequest, { unsupported = [] }: SupportedSettings, losses: Losses): ChatRequest {
  const given = unsupported.filter((name) => request[name] !== undefined)
  if (given.length === 0) return request
  for (const name of given) {
    if (isHarmless(name, request)) continue
    if (name === 'choices') throw losses.refusal(name, 'this model gives one answer at a time')
    losses.setting(name, UNTAKEN)
  }
  return { ...request, ...Object.fromEntries(given.map((name) => [name, name === 'stop' ? [] : undefined])) }
}

function tempered(request: ChatRequest, { temperatures }: SupportedSettings, losses: Losses): ChatRequest {
  const { temperature } = request
  if (!temperatures || temperature === undefined) return request
  const [lowest, highest] = temperatures
  const nearest = Math.min(Math.max(temperature, lowest), highest)
  if (nearest === temperature) return request
  losses.setting('temperature', `is ${nearest}, the nearest that is taken`)
  return { ...request, temperature: nearest }
}

function chosen(request: ChatRequest, { toolChoices }: SupportedSettings, losses: Losses): ChatRequest {
  const { toolChoice: choice } = request
  if (!toolChoices || !choice || request.tools.length === 0 || toolChoices.includes(choice.type)) return request
  // Who is shown no tools calls none.
  if (choice.type === 'none') return { ...request, tools: [], toolChoice: undefined }
  const instead = choice.type === 'tool' && toolChoices.includes('required') ? 'required' : 'auto'
  losses.setting('toolChoice', `is ${instead}: this model takes no other`)
  return { ...request, toolChoice: { type: instead } }
}

/** Which tool is called is asked for more plainly than that the model thinks first. */
function unreasoned(request: ChatRequest, { toolChoicesReasoning }: SupportedSettings, losses: Losses): ChatRequest {
  const { toolChoice: choice, reasoning, tools } = request
  if (!toolChoicesReasoning || !choice || tools.length === 0 || toolChoicesReasoning.includes(choice.type))
    return request
  if (reasoning && asksToReason(reasoning))
    losses.setting('reasoning', 'is off: this model does not reason before a call that it must make')
  return { ...request, reasoning: { effort: 'none' } }
}

function formatTaken(request: ChatRequest, { formats }: SupportedSettings, losses: Losses): ChatRequest {
  const { format } = request
  if (!formats || !format || format.type === 'text' || formats.includes(format.type)) return request
  losses.setting('format', 'is asked for in words: this model cannot be held to it')
  const words = format.type === 'schema' ? schemaInWords(format.schema) : 'Answer with a JSON object and nothing else.'
  const instead: Format | undefined = formats.includes('json') ? { type: 'json' } : undefined
  return { ...request, format: instead, turns: told(request.turns, words) }
}

function schemaInWords(schema: JsonSchema): string {
  return `Answer with JSON and nothing else. It must fit this JSON schema: ${JSON.stringify(schema)}`
}

/** Behind the other instructions: what stands before them is in the prompt cache. */
function told(turns: readonly Turn[], text: string): readonly Turn[] {
  const first = turns.findIndex(({ role }) => role !== 'system')
  const turn: Turn = { role: 'system', blocks: [{ type: 'text', text }] }
  return turns.toSpliced(first < 0 ? turns.length : first, 0, turn)
}
