import type { Question, Reply } from './language.js'
import { sample } from './sample.js'

const LONGEST_ECHO = 200

/** What the demo answers: it calls the tool it was given, tells what a tool gave, else says what it heard. */
export function replyTo(question: Question): Reply {
  const { tool, schema, most } = question
  const heard = clip(question.said)
  if (tool) return { pieces: words(JSON.stringify(sample(tool.schema, heard))), tool: tool.name, isCut: false }
  const all = words(schema === undefined ? speak(question, heard) : JSON.stringify(sample(schema, heard)))
  return { pieces: all.slice(0, most), tool: undefined, isCut: all.length > most }
}

function speak({ toolResult, model }: Question, heard: string): string {
  if (toolResult !== undefined) return `The tool answered: ${clip(toolResult)}`
  const echo = heard === '' ? 'You said nothing.' : `You said: "${heard}".`
  return `${echo} This is ${model}, the upstream built into modelmount for trying things out. It repeats and does not think.`
}

/** Cut between characters, not within one. */
function clip(text: string): string {
  const start = [...text.slice(0, 2 * LONGEST_ECHO)].slice(0, LONGEST_ECHO).join('')
  return start.length < text.length ? `${start}…` : text
}

/** The text in pieces of a word each, with the space before it. */
function words(text: string): string[] {
  return text.match(/\s*\S+/g) ?? []
}
