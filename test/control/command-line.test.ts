/** What `tsicornc` makes of its arguments, and what it says about itself. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Failure } from '../../control/client/exit-codes.ts'
import { allCommands, parse } from '../../control/command-line.ts'
import { completionFor, helpText } from '../../control/help.ts'
import { table } from '../../control/print/tables.ts'
import { duration } from '../../control/print/units.ts'

describe('the command line of tsicornc', () => {
  it('finds commands of two words, and their arguments', () => {
    expect(parse(['show', 'workers'])).to.include({ command: 'show workers' })
    expect(parse(['worker', 'kill', '12', '-j'])).to.deep.include({ command: 'worker kill', args: ['12'] })
    expect(parse(['scale', '4', '--name', 'api']).given).to.deep.include({ name: 'api' })
  })

  for (const [args, message] of [
    [['frobnicate'], /frobnicate is no command: the commands are list, status/],
    [['--frob'], /'--frob'.*see tsicornc --help/],
    [['reload', '--timeout', 'soon'], /--timeout takes seconds, 0 to 86400, not "soon"/],
    [['upgrade', '--bake', '-1'], /--bake/],
    [['reload', 'now'], /^reload does not take "now"$/],
    [['list', 'all'], /^list does not take "all"$/],
    [['scale', '3', '4'], /^scale does not take "4"$/],
    [['scale'], /^scale needs an argument: scale N$/],
    [['status', '--socket', ''], /--socket takes a path, and this one is empty/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, () => {
      expect(() => parse(args))
        .to.throw(Failure, message)
        .with.property('exit', 'usage')
    })
  }

  it('has a page of help with every command', () => {
    for (const [name] of allCommands()) expect(helpText()).to.match(new RegExp(`^  ${name}\\b`, 'm'))
    expect(helpText().split('\n').length).to.be.at.most(45)
  })

  it('completes commands and their words in bash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsicorn-completion-'))
    const file = join(folder, 'completion')
    writeFileSync(file, completionFor('bash'))
    const complete = (words: string) => {
      const script = `source ${file}; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _tsicornc; echo "\${COMPREPLY[*]}"`
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim()
    }
    expect(complete('tsicornc rel')).to.equal('reload')
    expect(complete('tsicornc show w')).to.equal('workers')
    expect(complete('tsicornc --js')).to.equal('--json')
    rmSync(folder, { recursive: true })
  })

  it('refuses a shell that it has no script for', () => {
    expect(() => completionFor('tcsh')).to.throw(Failure, 'completion is for bash, zsh or fish, not "tcsh"')
  })
})

describe('tables for people', () => {
  it('align their columns, without colours where nobody looks', () => {
    const rows = [
      { name: 'a', size: 5 },
      { name: 'bcd', size: 10_000 },
    ]
    const text = table(rows, [
      { title: 'NAME', text: ({ name }) => name },
      { title: 'SIZE', side: 'right', text: ({ size }) => `${size}` },
    ])
    expect(text).to.equal('NAME   SIZE\na         5\nbcd   10000')
  })

  it('give times in two units at most', () => {
    expect([0.04, 59, 61, 3_600, 90_061].map(duration)).to.deep.equal([
      '0.0 s',
      '59.0 s',
      '1 min 1 s',
      '1 h',
      '1 d 1 h',
    ])
  })
})
