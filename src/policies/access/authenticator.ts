import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import type { RelayRequest } from '../../http.js'
import { matcher } from '../../lib/patterns.js'
import { ApiKeys, type KeyFault } from './api-keys.js'
import type { Groups } from './groups.js'

/** The host's own word on who is calling: a session's user, a token's subject. Undefined leaves it to the relay's keys. */
export type Authenticate = (request: RelayRequest) => Caller | undefined | Promise<Caller | undefined>

const FAULTS: Readonly<Record<KeyFault, string>> = {
  unknown: 'Incorrect API key provided.',
  expired: 'This API key has expired.',
  address: 'This API key may not be used from your address.',
}

/** Says who is calling, from the request's head alone: a stranger cannot make the relay read a body. */
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
    return this.#host && !request.ignoresHostSession ? this.#askHost(request, this.#host) : this.#byKey(request)
  }

  /** Whether the caller may use a public model name: by its own list, else its group's, else freely. */
  mayUse(caller: Caller, model: string): boolean {
    const list = caller.models ?? this.#groups.of(caller)?.models
    if (!list) return true
    let matches = this.#matchers.get(list)
    if (!matches) {
      matches = matcher(list)
      this.#matchers.set(list, matches)
    }
    return matches(model)
  }

  async #askHost(request: RelayRequest, host: Authenticate): Promise<Caller> {
    const caller = await host(request)
    return caller ? checked(caller) : this.#byKey(request)
  }

  #byKey(request: RelayRequest): Caller {
    const key = apiKeyOf(request)
    if (!key) {
      throw new RelayError('invalid_key', "You didn't provide an API key. Send it as `Authorization: Bearer <key>`.")
    }
    const found = this.#keys.find(key, request.ip)
    if (typeof found === 'string')
      throw new RelayError(found === 'address' ? 'ip_refused' : 'invalid_key', FAULTS[found])
    return found
  }
}

/**
 * No compiler need have seen the host's code, and a number that is none would limit nothing: rather no call than a free
 * one. Half a surrogate pair is no letter: two ids that differ in them only would be one in a store.
 * @throws {TypeError}
 */
function checked(caller: Caller): Caller {
  const { id, limits, budget } = caller
  if (typeof id !== 'string' || /\p{Surrogate}/u.test(id))
    throw new TypeError('`authenticate` gave a caller whose id is no text')
  const budgets = budget ? [budget].flat() : []
  const amounts: unknown[] = budgets.map(({ usd }) => usd)
  for (const { rpm, tpm, concurrency } of limits ? [limits, ...Object.values(limits.models ?? {})] : [])
    amounts.push(rpm ?? 0, tpm ?? 0, concurrency ?? 0)
  if (!amounts.every(isAmount))
    throw new TypeError('`authenticate` gave a caller with a limit or budget that is no number')
  return caller
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** A key comes the way the client's own provider wants it. Where two came, the one made for keys only wins. */
export function apiKeyOf({ headers, url }: Pick<RelayRequest, 'headers' | 'url'>): string | undefined {
  const own = headers['x-api-key'] || headers['x-goog-api-key']
  if (own) return String(own)
  const bearer = headers.authorization
  if (bearer !== undefined) return /^bearer +(\S+) *$/i.exec(bearer)?.[1]
  const query = url.indexOf('?')
  return query < 0 ? undefined : (new URLSearchParams(url.slice(query)).get('key') ?? undefined)
}
