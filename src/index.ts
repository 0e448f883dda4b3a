/**
 * modelmount: an OpenAI-compatible LLM relay inside your own Node app.
 * @module modelmount
 */

export type {
  AttemptLog,
  /** @deprecated Use {@link AttemptLog}. */
  AttemptLog as Attempt,
  Outcome,
} from './call.js'
export type { Budget, Caller, CallerLimits } from './caller.js'
export type { PriceOf } from './catalog/prices.js'
export type { Price } from './catalog/pricing.js'
export type { Block } from './chat/blocks.js'
export type { Loss } from './chat/losses.js'
export type { ChatRequest, Tool, Turn } from './chat/request.js'
export { type Config, type ConfigInput, configJsonSchema, readConfig, type Strategy } from './config/config.js'
export { ConfigError, type ConfigFault } from './config/config-error.js'
export { type ErrorDetails, type ErrorKind, RelayError } from './errors.js'
export type { ByteSink, ByteStream, RelayRequest, RelayResponse } from './http.js'
export type {
  ByteChunks,
  /** @deprecated Use {@link ByteChunks}. */
  ByteChunks as Pieces,
} from './lib/byte-chunks.js'
export {
  ClientConnection,
  /** @deprecated Use {@link ClientConnection}. */
  ClientConnection as Departure,
  type DisconnectListener,
} from './lib/client-connection.js'
export type { Forwarding } from './operations/forward.js'
export type { HandshakeRefusal, PendingSocket, UpstreamHandshake } from './operations/sockets/open-realtime.js'
export type { ForwardDecision, RealtimeSession } from './operations/sockets/realtime-session.js'
export type { ResponsesSession } from './operations/sockets/responses-session.js'
export type { RealtimeUpgrade, ResponsesUpgrade, Upgrade } from './operations/sockets/upgrade.js'
export type { Hooks, RelayOptions, StoreOptions } from './options.js'
export type { AdmittedCall, Logger, Plugin } from './plugins.js'
export type { Authenticate } from './policies/access/authenticator.js'
export type { ExplainedTarget, Explanation } from './policies/routing/explain.js'
export { createRelay, type Relay } from './relay.js'
export type { SocketClient } from './requests/open-sockets.js'
export { tooLarge } from './requests/read-body.js'
export { answerUnknownPath } from './requests/responses.js'
export type { Balance } from './stores/ledger.js'
export type { Limits } from './stores/limits.js'
export type { RedisClient } from './stores/redis/client.js'
export type { SqlDatabase } from './stores/sql/database.js'
export type { UsageFilter, UsageReader, UsageRecord, UsageSum } from './stores/usage.js'
export type { Sign, UnsignedRequest } from './upstream/connection/signing.js'
export type { Transport } from './upstream/connection/upstream-connection.js'
export { version } from './version.js'
