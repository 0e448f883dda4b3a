import { z } from 'zod'
import { object, type Strict, type Texts } from './shapes.js'

/** Which pages may call from a browser. */
export const cors: Strict<{ origins: Texts }> = object({
  origins: z
    .array(
      z
        .string()
        .regex(
          /^(\*|https?:\/\/[^/\s]+|[a-z][a-z0-9+.-]*:\/\/[^/\s]*)$/i,
          'neither an origin, as https://chat.example, nor *',
        ),
    )
    .describe('Origins such as `https://chat.example`, or `*` for all.'),
})
