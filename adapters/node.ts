/**
 * The relay in `node:http`, `node:https` and `node:http2`. The adapters of the other Node frameworks build on it.
 * @module modelmount/node
 */
export {
  type AttachableServer,
  attachRelay,
  handleNode,
  type NodeRequest,
  type NodeResponse,
  nodeRelay,
  type ParsedBody,
  type RequestOptions,
  /** @deprecated Use {@link RequestOptions}. */
  type RequestOptions as Surroundings,
} from './node-http.js'
export { type UpgradeListener, type UpgradeOptions, upgradeRelay } from './websocket/upgrade.js'
