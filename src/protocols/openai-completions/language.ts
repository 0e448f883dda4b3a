/** How natives, signatures and losses name this language. */
export const LANGUAGE = 'openai-completions'
