/** Medians, spreads, percentiles and ratios. */

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other)
  const half = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** The median, and in brackets the smallest and the largest where there are several. */
export function spread(numbers: readonly number[], digits: number): string {
  const text = (number: number) => number.toFixed(digits)
  if (numbers.length === 0) return '-'
  if (numbers.length === 1) return text(numbers[0]!)
  return `${text(median(numbers))} (${text(Math.min(...numbers))}-${text(Math.max(...numbers))})`
}

/** The value within which this part of the sorted numbers is: the nearest rank. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** Each number relative to that of the same round, so that a slow minute of the machine affects both. */
export function ratios(
  numbers: readonly (number | undefined)[],
  others: readonly (number | undefined)[],
): number[] {
  return numbers.flatMap((number, round) => {
    const other = others[round]
    return number === undefined || other === undefined ? [] : [number / other]
  })
}

/** The order of this round: each round begins with another one. */
export function rotated<Item>(items: readonly Item[], round: number): Item[] {
  const turn = round % items.length
  return [...items.slice(turn), ...items.slice(0, turn)]
}
