import { expect, it } from 'vitest'
import { redact } from '../../src/upstream/attempt/redact.js'

const credential = { name: 'openai#0', headers: ['authorization', 'Bearer my-own-secret-value'] }

it.each([
  ['Incorrect API key provided: sk-proj-****abcd.', 'Incorrect API key provided: [redacted]'],
  ['key my-own-secret-value refused', 'key [redacted] refused'],
  ['in organization org-AbCdEf123456 on tokens', 'in organization [redacted] on tokens'],
  ['write to ops@example.com', 'write to [redacted]'],
  ['see https://api.example/v1?key=AIzaSyA123 there', 'see [redacted] there'],
  ['dial tcp 10.2.3.4:8000: refused', 'dial tcp [redacted]: refused'],
  [
    'User: arn:aws:iam::123456789012:user/me may not do this on arn:aws-us-gov:bedrock:us-east-1:123456789012:model/x',
    'User: [redacted] may not do this on [redacted]',
  ],
  ['host model-7.prod.internal:8080 is down', 'host [redacted] is down'],
])('%s', (text, clean) => expect(redact(text, credential)).toBe(clean))

it.each([
  'The model `gpt-5.6-luna` does not exist.',
  'This model has a maximum context length of 128000 tokens.',
  "Invalid 'messages[3].content': expected a string.",
  'You can find your key at https://platform.openai.com/account/api-keys',
])('leaves other text unchanged: %s', (text) => expect(redact(text, credential)).toBe(text))
