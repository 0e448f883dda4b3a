import type { Traits } from '../../chat/traits.js'

/**
 * What the language can say of tools. It has freeform tools, but of all that speak it only OpenAI takes them, and a
 * function does everywhere.
 */
export const traits: Traits = {
  toolName: { pattern: /^[\w-]+$/, maxLength: 64 },
  toolId: { pattern: /^[\x21-\x7e]+$/, maxLength: 40 },
  freeformTools: false,
  toolNamespaces: false,
  objectInput: false,
  stopSequences: 4,
  mediaByUrl: ['image'],
}
