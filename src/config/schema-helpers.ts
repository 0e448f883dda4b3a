import { z } from 'zod'

/** An object that refuses unknown names, so that a misspelled option is an error. */
export const object: typeof z.strictObject = z.strictObject

// Declarations are emitted file by file (`isolatedDeclarations`), so the config schemas need written types.
// A schema that differs from its type does not compile. These aliases keep the types short.
export type StrictObject<Shape extends z.ZodRawShape> = z.ZodObject<Shape, z.core.$strict>
export type Optional<Schema extends z.ZodType> = z.ZodOptional<Schema>
export type OneOrMore<Item extends z.ZodType> = z.ZodUnion<readonly [Item, z.ZodArray<Item>]>
export type OneOf<Name extends string> = z.ZodEnum<{ [Key in Name]: Key }>
export type IntegerWithDefault = z.ZodDefault<z.ZodInt>
export type StringList = z.ZodArray<z.ZodString>

/** An integer from 0, with a default. */
export const nonNegative = (defaultValue: number): IntegerWithDefault => z.int().min(0).default(defaultValue)

/** An integer from 1, with a default. */
export const positive = (defaultValue: number): IntegerWithDefault => z.int().min(1).default(defaultValue)

/** One item, or a list with at least one. */
export const oneOrMore = <Item extends z.ZodType>(item: Item): OneOrMore<Item> => z.union([item, z.array(item).min(1)])
