/** As much of JSON schema as `configJsonSchema` writes. */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly format?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  /** The values of a map. */
  readonly additionalProperties?: Schema | false
}

/** The config reference in Markdown: one table per object, the outermost first. A repeated object refers to its first table. */
export function writeReference(schema: Schema): string {
  return tables(schema, '', new Map()).join('\n')
}

/** `documented`: the path of each object that already has a table. */
function tables(schema: Schema, path: string, documented: Map<string, string>): string[] {
  return objectsIn(schema, path).flatMap(([object, above]) => {
    const { properties = {}, required = [] } = object
    const options = Object.entries(properties)
    const objectPath = above.slice(0, -1)
    const before = documented.get(shapeOf(object))
    if (before !== undefined) return [`\n\`${objectPath}\` has the options of \`${before}\`.`]
    documented.set(shapeOf(object), objectPath)
    const rows = options.map(([name, option]) => row(above + name, option, required.includes(name)))
    return [
      `${above ? `\n#### \`${objectPath}\`\n` : ''}\n| option | type | default | meaning |\n|---|---|---|---|`,
      ...rows,
      ...options.flatMap(([name, option]) => tables(option, above + name, documented)),
    ]
  })
}

function shapeOf({ properties, required }: Schema): string {
  return JSON.stringify([properties, required])
}

function row(path: string, option: Schema, isRequired: boolean): string {
  const cells = [`\`${path}\``, typeOf(option), isRequired ? 'required' : defaultOf(option), option.description ?? '']
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll('  |', ' |')
}

/** The objects with named options in a schema, each with the path prefix of its options. */
function objectsIn(schema: Schema, path: string): [Schema, string][] {
  const { anyOf, items, properties, additionalProperties } = schema
  if (anyOf) {
    const found = anyOf.flatMap((one) => objectsIn(one, path))
    // A value that may be one object or a list of them counts once.
    return found.filter(([one], index) => index === found.findIndex(([other]) => shapeOf(other) === shapeOf(one)))
  }
  if (items) return objectsIn(items, `${path}[]`)
  if (properties) return [[schema, path && `${path}.`]]
  return additionalProperties ? objectsIn(additionalProperties, `${path}.*`) : []
}

const FORMATS: Readonly<Record<string, string>> = { uri: 'URL', 'date-time': 'ISO date and time' }

function typeOf({
  type = '',
  format = '',
  enum: names,
  anyOf,
  items,
  additionalProperties,
  ...limits
}: Schema): string {
  if (anyOf) return anyOf.map(typeOf).join(' or ')
  if (names) return `one of ${names.map((name) => `\`${name}\``).join(', ')}`
  if (items) return `list of ${typeOf(items)}`
  if (additionalProperties) return `map to ${typeOf(additionalProperties)}`
  const least = limits.minimum === undefined ? '' : ` ≥ ${limits.minimum}`
  const above = limits.exclusiveMinimum === undefined ? '' : ` > ${limits.exclusiveMinimum}`
  return (FORMATS[format] ?? type) + least + above
}

/** Empty without a default, and for an object, whose options have their own defaults. */
function defaultOf({ default: value, properties }: Schema): string {
  if (value === undefined || properties) return ''
  return typeof value === 'object' ? 'none' : `\`${value}\``
}
