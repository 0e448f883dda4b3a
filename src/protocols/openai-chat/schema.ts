import { z } from 'zod'

const maybe = <Schema extends z.ZodType>(schema: Schema): z.ZodOptional<z.ZodNullable<Schema>> => schema.nullish()

const list = z.array(z.unknown())
const number = maybe(z.number())
const textOrList = z.union([z.string(), list], { error: 'expected string or array' })

/**
 * As much of a request as a relay must be sure of before it passes the bytes on; the upstream judges the rest. What it
 * gives is never sent: the bytes are.
 */
export const requestSchema: z.ZodType<{
  model: string
  messages: unknown[]
  stream?: boolean | null | undefined
}> = z.object({
  model: z.string().min(1),
  messages: list.min(1),
  stream: maybe(z.boolean()),
  stream_options: maybe(z.object({ include_usage: maybe(z.boolean()) })),
  tools: maybe(list),
  stop: maybe(textOrList),
  n: number,
  temperature: number,
  top_p: number,
  max_tokens: number,
  max_completion_tokens: number,
  response_format: maybe(z.object({})),
})

/** Messages are checked one by one: a schema of the whole list would gather a fault for each of a million wrong ones. */
export const messageSchema: z.ZodType = z.object({
  role: z.string(),
  content: maybe(textOrList),
  tool_calls: maybe(list),
  tool_call_id: maybe(z.string()),
})
