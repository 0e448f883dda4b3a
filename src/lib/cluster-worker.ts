import type { Cluster } from 'node:cluster'

/**
 * Whether this process is a worker of `node:cluster`. So are the processes of pm2's cluster mode.
 *
 * Node removes `NODE_UNIQUE_ID`, which marks a worker, before the worker's own code runs. So only the module can say it.
 * Loading it costs 2.5 ms. Every worker has a channel to its primary, so a process without one need not load it.
 */
export function isClusterWorker(): boolean {
  if (process.channel === undefined) return false
  // The types describe the module as `import` gives it, with a default export. This call gives that export.
  return (process.getBuiltinModule('node:cluster') as unknown as Cluster).isWorker
}
