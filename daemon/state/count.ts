/** Numbers with their nouns, for log lines. */

/** `2 workers`, `1 worker` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
