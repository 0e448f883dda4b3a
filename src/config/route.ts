import { z } from 'zod'
import { type Choice, type Maybe, object, type Strict, type Texts } from './shapes.js'

/** `provider/model`, `provider`, or another name of `models`. */
export const targetName: z.ZodString = z.string().min(1)

/** One of `models`, written in full. */
export const route: Strict<{
  strategy: z.ZodDefault<Choice<Strategy>>
  targets: z.ZodArray<
    z.ZodUnion<readonly [z.ZodString, Strict<{ target: z.ZodString; weight: z.ZodDefault<z.ZodNumber> }>]>
  >
  onContextTooLong: Maybe<Texts>
  onContentFilter: Maybe<Texts>
}> = object({
  strategy: z
    .enum(['priority', 'weighted', 'fastest', 'cheapest', 'least-busy', 'sticky'])
    .default('priority')
    .describe('Which target is tried first. The others follow when it fails.'),
  targets: z
    .array(
      z.union([
        targetName,
        object({
          target: targetName.describe('As above.'),
          weight: z.number().positive().default(1).describe('Its share under `weighted`, `least-busy` and `sticky`.'),
        }),
      ]),
    )
    .min(1)
    .describe('`provider/model`, or `provider` for the same name there.'),
  onContextTooLong: z
    .array(targetName)
    .optional()
    .describe('Targets for a conversation that is too long for the others.'),
  onContentFilter: z.array(targetName).optional().describe("Targets for what the others' content filter refuses."),
})

/** Which of a route's targets goes first. */
export type Strategy = 'priority' | 'weighted' | 'fastest' | 'cheapest' | 'least-busy' | 'sticky'
