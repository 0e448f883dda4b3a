/**
 * modelmount: an OpenAI-compatible LLM relay inside your own Node app.
 * @module
 */
export { answerUnknownPath } from './answers.js'
export { tooLarge } from './body.js'
export type { Attempt, Caller, Outcome } from './call.js'
export type { Block } from './chat/blocks.js'
export type { Loss } from './chat/losses.js'
export type { ChatRequest, Tool, Turn } from './chat/request.js'
export { type Config, type ConfigInput, configJsonSchema, readConfig, type Strategy } from './config.js'
export { type ErrorDetails, type ErrorKind, RelayError } from './errors.js'
export { ConfigError, type ConfigFault } from './faults.js'
export type { ByteSink, ByteStream, RelayRequest, RelayResponse } from './http.js'
export { Departure, type Waiter } from './lib/departure.js'
export type { Hooks, RelayOptions } from './options.js'
export type { AdmittedCall, Logger, Plugin } from './plugins.js'
export type { UsageRecord } from './policies/account.js'
export type { Authenticate } from './policies/authenticate.js'
export type { ExplainedTarget, Explanation } from './policies/explain.js'
export { createRelay, type Relay } from './relay.js'
export type { Transport } from './upstream/transport.js'
export { version } from './version.js'
