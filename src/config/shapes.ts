import { z } from 'zod'

/** Unless it is said otherwise, an object in the config takes no field that is not named here: a typo is a fault. */
export const object: typeof z.strictObject = z.strictObject

/**
 * The types of the schemas below are written out because declarations are emitted file by file (`isolatedDeclarations`);
 * a schema that strays from its type does not compile.
 */
export type Strict<Shape extends z.ZodRawShape> = z.ZodObject<Shape, z.core.$strict>
export type Maybe<Schema extends z.ZodType> = z.ZodOptional<Schema>
export type OneOrMore<Item extends z.ZodType> = z.ZodUnion<readonly [Item, z.ZodArray<Item>]>
export type Choice<Name extends string> = z.ZodEnum<{ [Key in Name]: Key }>
export type Natural = z.ZodDefault<z.ZodInt>
export type Texts = z.ZodArray<z.ZodString>

/** With a default. */
export const milliseconds = (fallback: number): Natural => z.int().min(0).default(fallback)

/** The same, where none at all would make no sense. */
export const patience = (fallback: number): Natural => z.int().min(1).default(fallback)
