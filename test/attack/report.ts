/** What an attack came to, in words. */
import { nameOf, type Outcome } from './turn.ts'

/** A table in Markdown: a row for each adversary. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const names = [...new Set(outcomes.map(({ adversary }) => nameOf(adversary)))]
  const rows = names.map(name =>
    rowOf(
      name,
      outcomes.filter(({ adversary }) => nameOf(adversary) === name),
    ),
  )
  return [
    '| adversary | turns | honest requests | faults explained | violations | seconds |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...[...rows, rowOf('all', outcomes)],
  ].join('\n')
}

function rowOf(name: string, outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const skipped = outcomes.find(outcome => outcome.skipped !== undefined)?.skipped
  const cells = [
    skipped === undefined || name === 'all' ? name : `${name} (skipped: ${skipped})`,
    outcomes.length,
    sum(({ answered }) => answered),
    sum(({ explained }) => explained),
    sum(({ violations }) => violations.length),
    sum(({ seconds }) => seconds).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

/** All that is known about a turn with violations, and how to do it again. */
export function storyOf({ adversary, seed, planned, violations, story, servers, seconds }: Outcome): string {
  const name = nameOf(adversary)
  return [
    `--- ${name}, seed ${seed}, ${seconds.toFixed(0)} s`,
    ...violations,
    'What happened last:',
    ...story.map(event => `  ${event}`),
    ...servers.map(({ folder, tail }) => `The log, whole in ${folder}/attack.log:\n${tail}`),
    `Again: npm run attack -- --only ${JSON.stringify(name)} --seed ${seed} --seconds ${planned}`,
    '---',
  ].join('\n')
}
