import { RelayError } from '../errors.js'
import { spellPath } from '../lib/paths.js'
import { isObject } from '../lib/values.js'

/**
 * A value in a caller's body, with its path. Each method reads it as one type, and throws an error that names the path
 * where it has another. Null counts as missing, as in all these protocols.
 */
export class Field {
  readonly value: unknown
  readonly #above: Field | undefined
  readonly #key: string | number

  constructor(value: unknown, above?: Field, key: string | number = '') {
    this.value = value
    this.#above = above
    this.#key = key
  }

  /** `messages[3].content[0].type`; empty for the body itself. */
  get path(): string {
    const keys: (string | number)[] = []
    for (let field: Field = this; field.#above; field = field.#above) keys.unshift(field.#key)
    return spellPath(keys)
  }

  get given(): boolean {
    return this.value !== undefined && this.value !== null
  }

  /** Whether the object has this field, and it is not null. */
  has(name: string): boolean {
    const { value } = this
    return isObject(value) && Object.hasOwn(value, name) && value[name] !== undefined && value[name] !== null
  }

  /** A field of the object; a missing field if this is not an object. */
  get(name: string): Field {
    const { value } = this
    return new Field(isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined, this, name)
  }

  /** @throws {RelayError} unless it is an object */
  object(): Record<string, unknown> {
    return isObject(this.value) ? this.value : this.#expected('an object')
  }

  maybeObject(): Record<string, unknown> | undefined {
    return this.given ? this.object() : undefined
  }

  /** @throws {RelayError} unless it is an array */
  list(): Field[] {
    const { value } = this
    if (!Array.isArray(value)) return this.#expected('an array')
    return value.map((item, index) => new Field(item, this, index))
  }

  /** Looked at, but not into. @throws {RelayError} unless it is an array of at least one item */
  some(): readonly unknown[] {
    const items: readonly unknown[] = Array.isArray(this.value) ? this.value : this.#expected('an array')
    return items.length > 0 ? items : this.fail('must not be empty')
  }

  /** @throws {RelayError} for what is given, and neither a string nor an array */
  checkTextOrList(): void {
    if (!this.given || typeof this.value === 'string' || Array.isArray(this.value)) return
    this.#expected('a string or an array')
  }

  /** @throws {RelayError} for what is given, and no array */
  checkList(): void {
    if (this.given && !Array.isArray(this.value)) this.#expected('an array')
  }

  /** Empty when it is not given. */
  maybeList(): Field[] {
    return this.given ? this.list() : []
  }

  /** @throws {RelayError} unless it is a string */
  text(): string {
    return typeof this.value === 'string' ? this.value : this.#expected('a string')
  }

  maybeText(): string | undefined {
    return this.given ? this.text() : undefined
  }

  /** A string in an object whose fields this reads, one of those known. */
  oneOf<Name extends string>(names: readonly Name[]): Name {
    const text = this.text()
    const found = names.find((name) => name === text)
    return found ?? this.unknown(`one of ${names.join(', ')}`)
  }

  number(): number {
    return Number.isFinite(this.value) ? (this.value as number) : this.#expected('a number')
  }

  maybeNumber(): number | undefined {
    return this.given ? this.number() : undefined
  }

  /** A whole number that survives being written again: beyond 2^53 JSON would change its last digits. */
  maybeInteger(): number | undefined {
    if (!this.given) return undefined
    const value = this.number()
    return Number.isSafeInteger(value) ? value : this.#expected('an integer within ±2^53')
  }

  maybeBoolean(): boolean | undefined {
    if (!this.given) return undefined
    return typeof this.value === 'boolean' ? this.value : this.#expected('a boolean')
  }

  /** `messages[3].role: unknown "speaker"`. */
  unknown(expected?: string): never {
    const seen = JSON.stringify(this.value)?.slice(0, 60)
    return this.fail(`unknown ${seen}${expected ? `, expected ${expected}` : ''}`)
  }

  fail(message: string): never {
    const { path } = this
    throw new RelayError('invalid_request', path ? `${path}: ${message}` : message, { param: path || undefined })
  }

  #expected(what: string): never {
    const { path, value } = this
    const param = path || undefined
    if (!this.given) throw new RelayError('missing_parameter', `Missing required parameter: '${path}'.`, { param })
    const type = Array.isArray(value) ? 'an array' : typeof value
    const message = `Invalid value for '${path || 'the body'}': expected ${what}, received ${type}.`
    throw new RelayError('invalid_type', message, { param })
  }
}
