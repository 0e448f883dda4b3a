import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import type { RelayRequest } from '../../http.js'
import { nameMatcher } from '../../lib/patterns.js'
import { ApiKeys, type KeyProblem } from './api-keys.js'
import type { Groups } from './groups.js'

/** Maps the host's own user to a caller. Returns undefined where the relay should check its own keys. */
export type Authenticate = (request: RelayRequest) => Caller | undefined | Promise<Caller | undefined>

const MESSAGES: Readonly<Record<KeyProblem, string>> = {
  unknown: 'Incorrect API key provided.',
  expired: 'This API key has expired.',
  address: 'This API key may not be used from your address.',
}

/** Finds the caller of a request from its headers alone, so that an unknown client cannot make the relay read a body. */
export class Authenticator {
  readonly #keys: ApiKeys
  readonly #host: Authenticate | undefined
  readonly #groups: Groups
  readonly #matchers = new WeakMap<readonly string[], (model: string) => boolean>()

  constructor(keys: Config['keys'], groups: Groups, host: Authenticate | undefined) {
    this.#keys = new ApiKeys(keys)
    this.#groups = groups
    this.#host = host
  }

  /** @throws {RelayError} 401 */
  authenticate(request: RelayRequest): Caller | Promise<Caller> {
    return this.#host && !request.ignoresHostSession
      ? this.#authenticateByHost(request, this.#host)
      : this.#authenticateByKey(request)
  }

  /** Whether the caller may use a public model name: by its own list, else by its group's. Without a list it may use all. */
  mayUse(caller: Caller, model: string): boolean {
    const list = caller.models ?? this.#groups.of(caller)?.models
    if (!list) return true
    let matches = this.#matchers.get(list)
    if (!matches) {
      matches = nameMatcher(list)
      this.#matchers.set(list, matches)
    }
    return matches(model)
  }

  async #authenticateByHost(request: RelayRequest, host: Authenticate): Promise<Caller> {
    const caller = await host(request)
    return caller ? checkCaller(caller) : this.#authenticateByKey(request)
  }

  #authenticateByKey(request: RelayRequest): Caller {
    const key = apiKeyOf(request)
    if (!key) {
      throw new RelayError('invalid_key', "You didn't provide an API key. Send it as `Authorization: Bearer <key>`.")
    }
    const found = this.#keys.find(key, request)
    if (typeof found === 'string')
      throw new RelayError(found === 'address' ? 'ip_refused' : 'invalid_key', MESSAGES[found])
    return found
  }
}

/**
 * Checks what the host returned, because a JavaScript host has no type checks: with NaN as a limit a call would be free.
 * Refuses ids with a lone surrogate, because a store could not tell them apart.
 * @throws {TypeError}
 */
function checkCaller(caller: Caller): Caller {
  const { id, limits, budget } = caller
  if (typeof id !== 'string' || /\p{Surrogate}/u.test(id))
    throw new TypeError('`authenticate` returned a caller whose id is not a valid string')
  const budgets = budget ? [budget].flat() : []
  const amounts: unknown[] = budgets.map(({ usd }) => usd)
  for (const { rpm, tpm, concurrency } of limits ? [limits, ...Object.values(limits.models ?? {})] : [])
    amounts.push(rpm ?? 0, tpm ?? 0, concurrency ?? 0)
  if (!amounts.every(isAmount))
    throw new TypeError('`authenticate` returned a caller with a limit or budget that is not a number of at least 0')
  return caller
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** The API key, from where OpenAI's, Anthropic's or Google's clients put it. A dedicated header wins over `authorization`. */
export function apiKeyOf({ headers, url }: Pick<RelayRequest, 'headers' | 'url'>): string | undefined {
  const dedicated = headers['x-api-key'] || headers['x-goog-api-key']
  if (dedicated) return String(dedicated)
  const bearer = headers.authorization
  if (bearer !== undefined) return /^bearer +(\S+) *$/i.exec(bearer)?.[1]
  const queryStart = url.indexOf('?')
  return queryStart < 0 ? undefined : (new URLSearchParams(url.slice(queryStart)).get('key') ?? undefined)
}
