import { describe, expect, it } from 'vitest'
import { isBare, writeSchema } from '../../../src/protocols/gemini/request/write-schema.js'

describe('schemas', () => {
  const schema = {
    type: 'object',
    $schema: 's',
    properties: {
      $id: { type: 'string' },
      default: { type: 'string', default: 'x' },
      n: { type: 'integer', exclusiveMinimum: 0 },
      v: { oneOf: [{ type: 'string' }, { type: 'integer' }] },
      c: { $ref: '#/$defs/C' },
      k: { const: 'A' },
    },
    required: ['$id', 'c', 'zz'],
    $defs: { C: { type: 'object', properties: {} } },
  }

  it('HC-018: are reduced to the OpenAPI subset', () => {
    expect(writeSchema(schema, 'subset')).toEqual({
      type: 'object',
      properties: {
        $id: { type: 'string' },
        default: { type: 'string', default: 'x' },
        n: { type: 'integer', minimum: 1 },
        v: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        c: { type: 'object' },
        k: { type: 'string', enum: ['A'] },
      },
      required: ['$id', 'c'],
    })
  })

  it("HC-018: are adapted to Gemini's JSON Schema", () => {
    expect(writeSchema(schema, 'full')).toEqual({
      type: 'object',
      properties: {
        $id: { type: 'string' },
        default: { type: 'string' },
        n: { type: 'integer', minimum: 1 },
        v: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        c: { $ref: '#/$defs/C' },
        k: { type: 'string', enum: ['A'] },
      },
      required: ['$id', 'c'],
      $defs: { C: { type: 'object', properties: {} } },
    })
  })

  it.each([
    [{ type: ['string', 'null'] }, { type: 'string', nullable: true }],
    [{ type: ['string', 'number'] }, { anyOf: [{ type: 'string' }, { type: 'number' }] }],
    [
      { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }], description: 'd' },
      { type: 'string', enum: ['a'], description: 'd', nullable: true },
    ],
    [
      { allOf: [{ properties: { a: {} } }, { properties: { b: {} }, required: ['b'] }] },
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['b'] },
    ],
    [
      { enum: [1, 2], type: 'integer' },
      { type: 'string', enum: ['1', '2'] },
    ],
    [{ enum: ['a', '', null] }, { type: 'string', enum: ['a'], nullable: true }],
    [{ type: 'array' }, { type: 'array', items: { type: 'string' } }],
    [
      { type: 'object', additionalProperties: false, patternProperties: {}, not: {}, if: {}, examples: [] },
      { type: 'object' },
    ],
    [{}, { type: 'string' }],
  ])('HC-020: writes %j for the OpenAPI subset', (given, expected) => {
    expect(writeSchema(given, 'subset')).toEqual(expected)
  })

  it('HC-018: lose recursive references, and references that multiply', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/N' }, name: { type: 'string' } } }
    expect(writeSchema({ $ref: '#/$defs/N', $defs: { N: node } }, 'subset')).toEqual({
      type: 'object',
      properties: { next: { type: 'object' }, name: { type: 'string' } },
    })
    expect(writeSchema({ properties: { a: { $ref: '#' } } }, 'subset')).toEqual({
      type: 'object',
      properties: { a: { type: 'object', properties: { a: { type: 'object' } } } },
    })
    expect(writeSchema({ type: 'object', properties: { a: { $ref: 'https://x.test/s' } } }, 'subset')).toEqual({
      type: 'object',
      properties: { a: { type: 'object' } },
    })
    const many = Object.fromEntries(
      Array.from({ length: 12 }, (_, level) => [
        `d${level}`,
        {
          type: 'object',
          properties: Object.fromEntries(
            Array.from({ length: 10 }, (_, index) => [`p${index}`, { $ref: `#/$defs/d${level + 1}` }]),
          ),
        },
      ]),
    )
    const bomb = writeSchema({ $ref: '#/$defs/d0', $defs: many }, 'subset')
    expect(JSON.stringify(bomb).length).toBeLessThan(2_000_000)
  })

  it('keep only $defs beside a reference', () => {
    expect(
      writeSchema(
        { properties: { a: { $ref: '#/definitions/A', description: 'd' } }, definitions: { A: { type: 'string' } } },
        'full',
      ),
    ).toEqual({
      properties: { a: { $ref: '#/$defs/A' } },
      $defs: { A: { type: 'string' } },
    })
  })

  it('are recognised as empty', () => {
    expect(isBare({ type: 'object' })).toBe(true)
    expect(isBare({ type: 'object', properties: {}, required: [] })).toBe(true)
    expect(isBare({ $ref: '#/a' })).toBe(false)
    expect(isBare({ type: 'object', properties: { a: {} } })).toBe(false)
  })
})
