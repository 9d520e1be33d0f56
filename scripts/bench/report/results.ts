/** What was measured, by case, side and round, and the tables of it. */
import { type FigureName, type Figures, figures } from '../cases/figures.ts'
import { markdownTable } from './markdown.ts'
import { median, ratios, spread } from './statistics.ts'

export interface Results {
  readonly sides: readonly string[]
  readonly cases: readonly string[]
  /** By round; undefined where a side has not got the case. */
  of(side: string, theCase: string): readonly Figures[] | undefined
}

/** What of sides and cases the tables need to know. */
export interface Names {
  readonly sides: Readonly<Record<string, { readonly title: string }>>
  readonly cases: Readonly<
    Record<
      string,
      { readonly title: string; readonly figures: readonly FigureName[]; readonly against?: string }
    >
  >
}

/** The side that others are compared with. */
const limit = 'limit'

/** A table of all cases, with rates relative to the limit, and one for each case. */
export function report(results: Results, names: Names): string {
  const parts = results.cases.map(
    name => `### ${names.cases[name]!.title}\n\n${caseTable(results, names, name)}`,
  )
  return [summary(results, names), ...parts].filter(part => part !== '').join('\n\n')
}

function summary(results: Results, names: Names): string {
  const compared = results.cases.filter(name => names.cases[name]!.figures.includes('rate'))
  const rows = compared.map(name => [
    [names.cases[name]!.title, ...baseOf(results, names, name)].join(', of '),
    ...results.sides.map(side => {
      const found = compare(results, names, side, name, 'rate')
      return found.length === 0 ? '-' : `${median(found).toFixed(2)}`
    }),
  ])
  if (!rows.some(row => row.slice(1).some(cell => cell !== '-'))) return ''
  const head = ['requests/s, of the limit', ...results.sides.map(side => names.sides[side]!.title)]
  return markdownTable(head, rows)
}

function caseTable(results: Results, names: Names, name: string): string {
  const { figures: wanted } = names.cases[name]!
  const base = `of ${baseOf(results, names, name)[0] ?? 'the limit'}`
  const isCompared = (figure: FigureName) =>
    'isCompared' in figures[figure] &&
    results.sides.some(side => compare(results, names, side, name, figure).length > 0)
  const head = wanted.flatMap(figure => [figures[figure].title, ...(isCompared(figure) ? [base] : [])])
  const rows = results.sides.map(side => [
    names.sides[side]!.title,
    ...wanted.flatMap(figure => [
      spread(valuesOf(results, side, name, figure), figures[figure].digits),
      ...(isCompared(figure) ? [spread(compare(results, names, side, name, figure), 2)] : []),
    ]),
  ])
  return markdownTable(['', ...head], rows)
}

/** What this case is compared with where that is not the limit. */
function baseOf(results: Results, { cases }: Names, name: string): string[] {
  const against = cases[name]!.against
  return against === undefined || results.of(limit, name) !== undefined ? [] : [cases[against]!.title]
}

/** Relative to the limit in the same round, or to the same side in the case that this one is compared with. */
function compare(results: Results, names: Names, side: string, name: string, figure: FigureName): number[] {
  const { against } = names.cases[name]!
  const others = results.of(limit, name) ?? (against === undefined ? undefined : results.of(side, against))
  const numbers = (of: readonly Figures[]) => of.map(values => values[figure])
  return ratios(numbers(results.of(side, name) ?? []), numbers(others ?? []))
}

function valuesOf(results: Results, side: string, name: string, figure: FigureName): number[] {
  return (results.of(side, name) ?? []).flatMap(values => values[figure] ?? [])
}
