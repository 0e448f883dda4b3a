import { z } from 'zod'
import { type OneOf, type Optional, object, type StrictObject, type StringList } from './schema-helpers.js'

const strategyNames = ['priority', 'weighted', 'fastest', 'cheapest', 'least-busy', 'sticky'] as const

/** Which target of a route the relay tries first. */
export type Strategy = (typeof strategyNames)[number]

/** `provider/model`, `provider`, or another name of `models`. */
export const targetNameSchema: z.ZodString = z.string().min(1)

/** One of `models`, in its long form. */
export const routeSchema: StrictObject<{
  strategy: z.ZodDefault<OneOf<Strategy>>
  targets: z.ZodArray<
    z.ZodUnion<readonly [z.ZodString, StrictObject<{ target: z.ZodString; weight: z.ZodDefault<z.ZodNumber> }>]>
  >
  onContextTooLong: Optional<StringList>
  onContentFilter: Optional<StringList>
}> = object({
  strategy: z
    .enum(strategyNames)
    .default('priority')
    .describe('Which target the relay tries first. If it fails, the others follow.'),
  targets: z
    .array(
      z.union([
        targetNameSchema,
        object({
          target: targetNameSchema.describe('`provider/model`, `provider`, or another name in `models`.'),
          weight: z
            .number()
            .positive()
            .default(1)
            .describe('Weight of the target with the strategies `weighted`, `least-busy` and `sticky`.'),
        }),
      ]),
    )
    .min(1)
    .describe(
      'Where requests go: `provider/model`, `provider` for the model of the same name there, or another name in `models`.',
    ),
  onContextTooLong: z
    .array(targetNameSchema)
    .optional()
    .describe('Targets to try when the conversation is too long for the others.'),
  onContentFilter: z
    .array(targetNameSchema)
    .optional()
    .describe('Targets to try when the content filter of the others refuses the request.'),
})
