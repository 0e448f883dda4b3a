import { describe, expect, it } from 'vitest'
import { Losses, recordForeignFields } from '../../src/chat/losses.js'
import { protocolOf } from '../../src/protocols/index.js'
import { type ConversationProtocol, conversationProtocols, pathFacts } from '../matrix/protocol-setups.js'

const PNG = 'iVBORw0KGgo='
const nativeField = { x_own: 1 }

/** A request with a native field in every place, and the paths of those fields. */
const REQUESTS: Readonly<Record<ConversationProtocol, readonly [body: object, paths: readonly string[]]>> = {
  'openai-chat': [
    {
      ...nativeField,
      tools: [{ type: 'function', function: { name: 'f', parameters: {}, ...nativeField } }],
      messages: [
        { role: 'system', content: 's', ...nativeField },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'q', ...nativeField },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` }, ...nativeField },
          ],
        },
        {
          role: 'assistant',
          content: [{ type: 'text', text: 'a', ...nativeField }],
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' }, ...nativeField }],
          ...nativeField,
        },
        { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: 'r', ...nativeField }], ...nativeField },
      ],
    },
    [
      'x_own',
      'tools[0].x_own',
      'messages[0].x_own',
      'messages[1].content[0].x_own',
      'messages[1].content[1].x_own',
      'messages[2].x_own',
      'messages[2].content[0].x_own',
      'messages[2].tool_calls[0].x_own',
      'messages[3].x_own',
      'messages[3].content[0].x_own',
    ],
  ],
  'openai-responses': [
    {
      ...nativeField,
      tools: [{ type: 'function', name: 'f', parameters: {}, ...nativeField }],
      input: [
        { role: 'system', content: [{ type: 'input_text', text: 's', ...nativeField }] },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'q', ...nativeField },
            { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, ...nativeField },
          ],
        },
        { role: 'assistant', content: [{ type: 'output_text', text: 'a', ...nativeField }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}', ...nativeField },
        {
          type: 'function_call_output',
          call_id: 'c',
          output: [{ type: 'input_text', text: 'r', ...nativeField }],
          ...nativeField,
        },
      ],
    },
    [
      'x_own',
      'tools[0].x_own',
      'input[0].content[0].x_own',
      'input[1].content[0].x_own',
      'input[1].content[1].x_own',
      'input[2].content[0].x_own',
      'input[3].x_own',
      'input[4].x_own',
      'input[4].output[0].x_own',
    ],
  ],
  'anthropic-messages': [
    {
      ...nativeField,
      max_tokens: 9,
      tools: [{ name: 'f', input_schema: { type: 'object' }, ...nativeField }],
      system: [{ type: 'text', text: 's', ...nativeField }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'q', ...nativeField },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG }, ...nativeField },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'a', ...nativeField },
            { type: 'tool_use', id: 'c', name: 'f', input: {}, ...nativeField },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'c',
              content: [{ type: 'text', text: 'r', ...nativeField }],
              ...nativeField,
            },
          ],
        },
      ],
    },
    [
      'x_own',
      'tools[0].x_own',
      'system[0].x_own',
      'messages[0].content[0].x_own',
      'messages[0].content[1].x_own',
      'messages[1].content[0].x_own',
      'messages[1].content[1].x_own',
      'messages[2].content[0].x_own',
      'messages[2].content[0].content[0].x_own',
    ],
  ],
  gemini: [
    {
      xOwn: 1,
      tools: [{ functionDeclarations: [{ name: 'f', xOwn: 1 }] }],
      systemInstruction: { parts: [{ text: 's', xOwn: 1 }] },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'q', xOwn: 1 },
            { inlineData: { mimeType: 'image/png', data: PNG }, xOwn: 1 },
          ],
        },
        {
          role: 'model',
          parts: [
            { text: 'a', xOwn: 1 },
            { functionCall: { name: 'f', args: {} }, xOwn: 1 },
          ],
        },
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: { output: 'r' } }, xOwn: 1 }] },
      ],
    },
    [
      'xOwn',
      'tools[0].functionDeclarations[0].xOwn',
      'systemInstruction.parts[0].xOwn',
      'contents[0].parts[0].xOwn',
      'contents[0].parts[1].xOwn',
      'contents[1].parts[0].xOwn',
      'contents[1].parts[1].xOwn',
      'contents[2].parts[0].xOwn',
    ],
  ],
}

const pairs = conversationProtocols.flatMap((from) =>
  conversationProtocols.filter((to) => to !== from).map((to) => [from, to] as const),
)

describe('a field that only one protocol has', () => {
  it.each(pairs)('of %s is a loss toward %s, wherever it is', (from, to) => {
    const [body, paths] = REQUESTS[from]
    const request = protocolOf(from).readRequest(Buffer.from(JSON.stringify({ model: 'm', ...body })), pathFacts(false))
    const losses = new Losses(to)
    recordForeignFields(request, losses)
    expect(losses.list.map(({ path }) => path)).toEqual(paths)
    const lossesOfSameProtocol = new Losses(from)
    recordForeignFields(request, lossesOfSameProtocol)
    expect(lossesOfSameProtocol.list).toEqual([])
  })
})
