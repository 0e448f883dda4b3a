import { RelayError } from '../errors.js'
import { appendKey } from '../lib/format-path.js'
import { isObject } from '../lib/values.js'

/**
 * A value in a client's body, with its path. Each method reads the value as one type, and throws an error that names the
 * path where the value has another type. Null counts as missing, as in all these protocols.
 */
export class Field {
  readonly value: unknown
  readonly #parent: Field | undefined
  readonly #key: string | number
  #path: string | undefined

  constructor(value: unknown, parent?: Field, key: string | number = '') {
    this.value = value
    this.#parent = parent
    this.#key = key
  }

  /** Such as `messages[3].content[0].type`; empty for the body itself. */
  get path(): string {
    if (!this.#parent) return ''
    this.#path ??= appendKey(this.#parent.path, this.#key)
    return this.#path
  }

  /** Whether there is a value, and it is not null. */
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

  /** The raw items. @throws {RelayError} unless it is an array with at least one item */
  nonEmptyList(): readonly unknown[] {
    const items: readonly unknown[] = Array.isArray(this.value) ? this.value : this.#expected('an array')
    return items.length > 0 ? items : this.fail('must not be empty')
  }

  /** @throws {RelayError} for a value that is neither a string nor an array */
  checkTextOrList(): void {
    if (!this.given || typeof this.value === 'string' || Array.isArray(this.value)) return
    this.#expected('a string or an array')
  }

  /** @throws {RelayError} for a value that is not an array */
  checkList(): void {
    if (this.given && !Array.isArray(this.value)) this.#expected('an array')
  }

  /** Empty without a value. */
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

  /** @throws {RelayError} unless it is one of these strings */
  oneOf<Name extends string>(names: readonly Name[]): Name {
    const text = this.text()
    const found = names.find((name) => name === text)
    return found ?? this.failUnknown(`one of ${names.join(', ')}`)
  }

  /** @throws {RelayError} unless it is a finite number */
  number(): number {
    return Number.isFinite(this.value) ? (this.value as number) : this.#expected('a number')
  }

  maybeNumber(): number | undefined {
    return this.given ? this.number() : undefined
  }

  /** Checks fields of the object. Makes no {@link Field} for them. @throws {RelayError} unless each is a finite number or missing */
  checkNumbers(names: readonly string[]): void {
    const fields = this.object()
    for (const name of names) {
      const value = fields[name]
      if (value !== undefined && !Number.isFinite(value)) this.get(name).maybeNumber()
    }
  }

  /** Beyond 2^53 JSON would change the last digits. @throws {RelayError} unless it is an integer within ±2^53 */
  maybeInteger(): number | undefined {
    if (!this.given) return undefined
    const value = this.number()
    return Number.isSafeInteger(value) ? value : this.#expected('an integer within ±2^53')
  }

  maybeBoolean(): boolean | undefined {
    if (!this.given) return undefined
    return typeof this.value === 'boolean' ? this.value : this.#expected('a boolean')
  }

  /** @throws {RelayError} such as `messages[3].role: unknown "speaker"` */
  failUnknown(expected?: string): never {
    const seen = JSON.stringify(this.value)?.slice(0, 60)
    return this.fail(`unknown ${seen}${expected ? `, expected ${expected}` : ''}`)
  }

  /** @throws {RelayError} that puts the path before the message */
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
