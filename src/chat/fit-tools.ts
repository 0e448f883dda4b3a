import { objectText } from '../lib/json.js'
import type { Block, ToolCallBlock } from './blocks.js'
import { functionOf, wrapInput } from './freeform.js'
import type { Losses } from './losses.js'
import { Names } from './names.js'
import type { ChatRequest, Tool, ToolChoice, Turn } from './request.js'
import { type OriginalTool, ToolNameRestorer } from './tool-name-restorer.js'
import type { Traits } from './traits.js'

/** A request whose tools fit a protocol, and what restores their names in the answer. */
export interface FittedTools {
  readonly request: ChatRequest
  readonly toolNames: ToolNameRestorer
}

/**
 * Fits a conversation's tools to a protocol: names and ids by its rules, namespaces flattened, plain-text tools as
 * functions. The same conversation always gives the same result, so that prompt caches hold.
 */
export function fitTools(request: ChatRequest, traits: Traits, losses: Losses): FittedTools {
  if (request.tools.length === 0 && !request.toolChoice && !request.turns.some(hasTools))
    return { request, toolNames: NO_TOOL_NAMES }
  const fitter = new ToolFitter(request.tools, traits, losses)
  const tools = request.tools.map((tool) => fitter.tool(tool))
  const turns = request.turns.map((turn) => fitter.turn(turn))
  const toolChoice = request.toolChoice && fitter.choice(request.toolChoice)
  return { request: { ...request, tools, turns, toolChoice }, toolNames: new ToolNameRestorer(fitter.originals) }
}

const NO_TOOL_NAMES = new ToolNameRestorer(new Map())

function hasTools({ blocks }: Turn): boolean {
  return blocks.some(({ type }) => type === 'tool-call' || type === 'tool-result')
}

class ToolFitter {
  /** By the fitted name: the original tool. */
  readonly originals = new Map<string, OriginalTool>()
  readonly #traits: Traits
  readonly #losses: Losses
  readonly #names: Names
  /** Namespaces by tool name, where the bare name is unambiguous: tool choices may name a tool without its namespace. */
  readonly #namespaces: ReadonlyMap<string, string>
  readonly #ids: Names

  constructor(tools: readonly Tool[], traits: Traits, losses: Losses) {
    this.#namespaces = namespacesOf(tools)
    this.#traits = traits
    this.#losses = losses
    this.#names = new Names(traits.toolName)
    this.#ids = new Names(traits.toolId)
  }

  tool(tool: Tool): Tool {
    if (tool.type !== 'function' && tool.type !== 'freeform') return tool
    const { namespace } = tool
    const name = this.#name(tool.name, namespace)
    const freeform = tool.type === 'freeform' && !this.#traits.freeformTools
    if (freeform || name !== tool.name) this.originals.set(name, { name: tool.name, namespace, freeform })
    if (!freeform && name === tool.name) return tool
    return { ...(freeform ? functionOf(tool) : tool), name, namespace: this.#namespace(namespace) }
  }

  turn(turn: Turn): Turn {
    return hasTools(turn) ? { ...turn, blocks: turn.blocks.map((block) => this.#block(block)) } : turn
  }

  choice(choice: ToolChoice): ToolChoice {
    if (choice.type === 'tool') {
      const { name, namespace } = choice
      return { ...choice, name: this.#name(name, namespace), namespace: this.#namespace(namespace) }
    }
    if (choice.type === 'allowed') {
      return { ...choice, names: choice.names.map((name) => this.#name(name, this.#namespaces.get(name))) }
    }
    return choice
  }

  #block(block: Block): Block {
    if (block.type === 'tool-result') {
      const name = block.name === undefined ? undefined : this.#name(block.name)
      return { ...block, callId: this.#ids.fit(block.callId), name }
    }
    if (block.type !== 'tool-call') return block
    const { freeform, namespace } = block
    const wrapped = freeform === true && !this.#traits.freeformTools
    return {
      ...block,
      id: this.#ids.fit(block.id),
      name: this.#name(block.name, namespace),
      namespace: this.#namespace(namespace),
      freeform: wrapped ? undefined : freeform,
      input: wrapped ? wrapInput(block.input) : this.#input(block),
    }
  }

  /** Invalid input must not drop the call: its result would be left alone. */
  #input({ input, freeform, at = 'input' }: ToolCallBlock): string {
    if (freeform) return input
    if (input.trim() === '') return '{}'
    if (!this.#traits.objectInput || objectText(input) !== undefined) return input
    this.#losses.add(at, 'has an input that is not a JSON object: it is sent as the field _raw of one')
    return JSON.stringify({ _raw: input })
  }

  #name(name: string, namespace?: string): string {
    if (!namespace || this.#traits.toolNamespaces) return this.#names.fit(name)
    return this.#names.fit(`${namespace}__${name}`, `${namespace}\n${name}`)
  }

  #namespace(namespace: string | undefined): string | undefined {
    return this.#traits.toolNamespaces ? namespace : undefined
  }
}

function namespacesOf(tools: readonly Tool[]): ReadonlyMap<string, string> {
  const named = tools.flatMap((tool) => (tool.type === 'function' || tool.type === 'freeform' ? [tool] : []))
  const namespaces = new Map(named.flatMap(({ name, namespace }) => (namespace ? [[name, namespace] as const] : [])))
  for (const { name, namespace } of named) if (!namespace) namespaces.delete(name)
  return namespaces
}
