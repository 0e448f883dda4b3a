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
  /** What the values of a map are. */
  readonly additionalProperties?: Schema | false
}

/** A config's reference in Markdown: a table for each object, the outermost first. One that has come before is named. */
export function writeReference(schema: Schema): string {
  return tables(schema, '', new Map()).join('\n')
}

/** `told`: where each object stands that has its table. */
function tables(schema: Schema, path: string, told: Map<string, string>): string[] {
  return objectsIn(schema, path).flatMap(([object, above]) => {
    const { properties = {}, required = [] } = object
    const options = Object.entries(properties)
    const place = above.slice(0, -1)
    const before = told.get(shapeOf(object))
    if (before !== undefined) return [`\n\`${place}\` has the options of \`${before}\`.`]
    told.set(shapeOf(object), place)
    const rows = options.map(([name, option]) => row(above + name, option, required.includes(name)))
    return [
      `${above ? `\n#### \`${place}\`\n` : ''}\n| option | type | default | meaning |\n|---|---|---|---|`,
      ...rows,
      ...options.flatMap(([name, option]) => tables(option, above + name, told)),
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

/** The objects with named options that a value may be or hold, each with the path of what stands below it. */
function objectsIn(schema: Schema, path: string): [Schema, string][] {
  const { anyOf, items, properties, additionalProperties } = schema
  if (anyOf) {
    const found = anyOf.flatMap((one) => objectsIn(one, path))
    // One of them, or a list of the same.
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

/** Empty where there is none, and for an object, whose options have their own. */
function defaultOf({ default: value, properties }: Schema): string {
  if (value === undefined || properties) return ''
  return typeof value === 'object' ? 'none' : `\`${value}\``
}
