import { answerWords } from '../scripted-upstream.js'
import type { OperationCase } from './operation-case.js'

const hello = answerWords('Hello', ', world')
const USER = { role: 'user', content: 'hi' } as const
const CHAT = { model: 'real-model', messages: [USER] }

async function joined<Item>(items: AsyncIterable<Item>, textOf: (item: Item) => string | null | undefined) {
  let text = ''
  for await (const item of items) text += textOf(item) ?? ''
  return text
}

/** Conversations in every protocol, whole and streamed, with an upstream that speaks Chat Completions. */
export const conversations: readonly OperationCase[] = [
  {
    name: 'chat completions',
    script: hello,
    ask: async ({ openai }) => {
      const { choices, usage } = await openai.chat.completions.create({ model: 'm', messages: [USER] })
      return [choices[0]?.message.content, usage?.total_tokens]
    },
    result: ['Hello, world', 7],
    url: '/v1/chat/completions',
    sentFields: CHAT,
  },
  {
    name: 'chat completions, streamed',
    script: hello,
    ask: async ({ openai }) => {
      const stream = await openai.chat.completions.create({ model: 'm', messages: [USER], stream: true })
      return joined(stream, ({ choices }) => choices[0]?.delta.content)
    },
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: { ...CHAT, stream: true },
  },
  {
    name: 'completions of old',
    script: hello,
    ask: async ({ openai }) => (await openai.completions.create({ model: 'm', prompt: 'hi' })).choices[0]?.text,
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: CHAT,
  },
  {
    name: 'completions of old, streamed',
    script: hello,
    ask: async ({ openai }) =>
      joined(await openai.completions.create({ model: 'm', prompt: 'hi', stream: true }), (it) => it.choices[0]?.text),
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: { ...CHAT, stream: true },
  },
  {
    name: 'responses',
    script: hello,
    ask: async ({ openai }) => (await openai.responses.create({ model: 'm', input: 'hi' })).output_text,
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: CHAT,
  },
  {
    name: 'responses, streamed',
    script: hello,
    ask: async ({ openai }) =>
      joined(await openai.responses.create({ model: 'm', input: 'hi', stream: true }), (event) =>
        event.type === 'response.output_text.delta' ? event.delta : '',
      ),
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: { ...CHAT, stream: true },
  },
  {
    name: 'messages',
    script: hello,
    ask: async ({ anthropic }) => {
      const answer = await anthropic.messages.create({ model: 'm', max_tokens: 9, messages: [USER] })
      return [answer.content, answer.usage.output_tokens]
    },
    result: [[{ type: 'text', text: 'Hello, world' }], 2],
    url: '/v1/chat/completions',
    sentFields: { ...CHAT, max_tokens: 9 },
  },
  {
    name: 'messages, streamed',
    script: hello,
    ask: ({ anthropic }) => anthropic.messages.stream({ model: 'm', max_tokens: 9, messages: [USER] }).finalText(),
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: { ...CHAT, max_tokens: 9, stream: true },
  },
  {
    name: 'generateContent',
    script: hello,
    ask: async ({ gemini }) => (await gemini.models.generateContent({ model: 'm', contents: 'hi' })).text,
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: CHAT,
  },
  {
    name: 'generateContent, streamed',
    script: hello,
    ask: async ({ gemini }) =>
      joined(await gemini.models.generateContentStream({ model: 'm', contents: 'hi' }), ({ text }) => text),
    result: 'Hello, world',
    url: '/v1/chat/completions',
    sentFields: { ...CHAT, stream: true },
  },
]
