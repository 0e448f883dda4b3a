import type { Losses } from './losses.js'
import { asksToReason } from './reasoning.js'
import type { ChatRequest, Format, JsonSchema, Setting, ToolChoice, Turn } from './request.js'
import { hasNoEffect } from './settings.js'

/** Which of its protocol's settings a model accepts. A member left out means: all. */
export interface SupportedSettings {
  /** Settings that it does not accept. */
  readonly unsupportedSettings?: readonly Setting[]
  /** Lowest and highest temperature. */
  readonly temperatureRange?: readonly [lowest: number, highest: number]
  /** Kinds of tool choice. */
  readonly toolChoices?: readonly ToolChoice['type'][]
  /** Kinds of tool choice while it reasons. With any other kind, reasoning is switched off. */
  readonly toolChoicesWhileReasoning?: readonly ToolChoice['type'][]
  /** Output formats that it can enforce. */
  readonly outputFormats?: readonly Format['type'][]
}

/** Adapts a request to what a model accepts, and records each change as a loss. @throws {RelayError} for several choices where it gives only one */
export function dropUnsupported(request: ChatRequest, by: SupportedSettings, losses: Losses): ChatRequest {
  return STEPS.reduce((adapted, step) => step(adapted, by, losses), request)
}

type Step = (request: ChatRequest, by: SupportedSettings, losses: Losses) => ChatRequest

const STEPS: readonly Step[] = [dropSettings, limitTemperature, adaptToolChoice, adaptReasoning, adaptFormat]

const NOT_SUPPORTED = 'is not supported by this model'

function dropSettings(
  request: ChatRequest,
  { unsupportedSettings = [] }: SupportedSettings,
  losses: Losses,
): ChatRequest {
  const given = unsupportedSettings.filter((name) => request[name] !== undefined)
  if (given.length === 0) return request
  for (const name of given) {
    if (hasNoEffect(name, request)) continue
    if (name === 'choices') throw losses.refusal(name, 'this model gives one answer at a time')
    losses.setting(name, NOT_SUPPORTED)
  }
  return { ...request, ...Object.fromEntries(given.map((name) => [name, name === 'stop' ? [] : undefined])) }
}

function limitTemperature(request: ChatRequest, { temperatureRange }: SupportedSettings, losses: Losses): ChatRequest {
  const { temperature } = request
  if (!temperatureRange || temperature === undefined) return request
  const [lowest, highest] = temperatureRange
  const nearest = Math.min(Math.max(temperature, lowest), highest)
  if (nearest === temperature) return request
  losses.setting('temperature', `is ${nearest}, the nearest that this model supports`)
  return { ...request, temperature: nearest }
}

function adaptToolChoice(request: ChatRequest, { toolChoices }: SupportedSettings, losses: Losses): ChatRequest {
  const { toolChoice: choice } = request
  if (!toolChoices || !choice || request.tools.length === 0 || toolChoices.includes(choice.type)) return request
  // A model that gets no tools calls none.
  if (choice.type === 'none') return { ...request, tools: [], toolChoice: undefined }
  const replacement = choice.type === 'tool' && toolChoices.includes('required') ? 'required' : 'auto'
  losses.setting('toolChoice', `is ${replacement}: this model supports no other`)
  return { ...request, toolChoice: { type: replacement } }
}

/** Where a model cannot both reason and be forced to call a tool, the tool choice wins. */
function adaptReasoning(
  request: ChatRequest,
  { toolChoicesWhileReasoning }: SupportedSettings,
  losses: Losses,
): ChatRequest {
  const { toolChoice: choice, reasoning, tools } = request
  if (!toolChoicesWhileReasoning || !choice || tools.length === 0 || toolChoicesWhileReasoning.includes(choice.type))
    return request
  if (reasoning && asksToReason(reasoning))
    losses.setting('reasoning', 'is off: this model does not reason before a forced tool call')
  return { ...request, reasoning: { effort: 'none' } }
}

function adaptFormat(request: ChatRequest, { outputFormats }: SupportedSettings, losses: Losses): ChatRequest {
  const { format } = request
  if (!outputFormats || !format || format.type === 'text' || outputFormats.includes(format.type)) return request
  losses.setting('format', 'becomes an instruction: this model cannot enforce it')
  const instruction =
    format.type === 'schema' ? schemaInstruction(format.schema) : 'Answer with a JSON object and nothing else.'
  const enforced: Format | undefined = outputFormats.includes('json') ? { type: 'json' } : undefined
  return { ...request, format: enforced, turns: addInstruction(request.turns, instruction) }
}

function schemaInstruction(schema: JsonSchema): string {
  return `Answer with JSON and nothing else. It must fit this JSON schema: ${JSON.stringify(schema)}`
}

/** Adds a system message after the others, so that prompt caches still hold. */
function addInstruction(turns: readonly Turn[], text: string): readonly Turn[] {
  const first = turns.findIndex(({ role }) => role !== 'system')
  const turn: Turn = { role: 'system', blocks: [{ type: 'text', text }] }
  return turns.toSpliced(first < 0 ? turns.length : first, 0, turn)
}
