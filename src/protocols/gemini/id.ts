/** The language's own name, as signatures, foreign blocks and native fields bear it. */
export const PROTOCOL_ID = 'gemini'
