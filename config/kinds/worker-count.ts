/** The kind of the setting `workers`. */
import { availableParallelism } from 'node:os'
import { isInteger, type Kind, mostWorkers, parseInteger } from './kinds.ts'

const countSchema = [{ type: 'integer', minimum: 1, maximum: mostWorkers }, { const: 'auto' }]

/** How few and how many. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** A number of workers, or how few and how many; `auto` is one per core that this process may use. */
export const workerCount: Kind<number | 'auto' | RangeWritten, number | Range> = {
  expects: `a whole number from 1 to ${mostWorkers}, 'auto', or a range such as 2..8 or { min: 2, max: 8 }`,
  metavar: 'INT|auto|MIN..MAX',
  type: "number | 'auto' | { readonly min: number | 'auto'; readonly max: number | 'auto' }",
  schema: {
    anyOf: [
      ...countSchema,
      {
        type: 'object',
        properties: { min: { anyOf: countSchema }, max: { anyOf: countSchema } },
        required: ['min', 'max'],
        additionalProperties: false,
      },
    ],
  },
  read: written => readCount(written) ?? readRange(written),
  fromText: text => {
    const [min, max, ...more] = text.split('..').map(parseInteger)
    return max === undefined || more.length > 0 ? parseInteger(text) : { min, max }
  },
}

export interface RangeWritten {
  readonly min: number | 'auto'
  readonly max: number | 'auto'
}

function readCount(written: unknown): number | undefined {
  if (written === 'auto') return availableParallelism()
  return isInteger(written) && written >= 1 && written <= mostWorkers ? written : undefined
}

function readRange(written: unknown): Range | undefined {
  if (typeof written !== 'object' || written === null) return undefined
  const { min, max, ...others } = written as Record<string, unknown>
  const range = { min: readCount(min), max: readCount(max) }
  if (range.min === undefined || range.max === undefined || range.min > range.max) return undefined
  return Object.keys(others).length === 0 ? (range as Range) : undefined
}
