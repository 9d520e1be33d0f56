/** How a command line is read: flags long and short, switches, lists, and mistakes, all named at once. */
import { expect } from 'chai'
import { parseFlags } from '../../../config/resolve/flags.ts'
import { declarations, type SettingName, settingNames } from '../../../config/table.ts'
import { refused } from './resolving.ts'

const given = (...argv: string[]) =>
  Object.fromEntries([...parseFlags(argv).given].map(([name, { value }]) => [name, value]))

const message = (...argv: string[]) =>
  parseFlags(argv)
    .problems.map(problem => problem.message)
    .join('\n')

describe('flags', () => {
  for (const argv of [['-w', '4'], ['-w4'], ['-w=4'], ['--workers', '4'], ['--workers=4']]) {
    it(`reads ${argv.join(' ')}`, () => {
      expect(given(...argv)).to.deep.equal({ workers: 4 })
    })
  }

  it('collects flags that may be given several times', () => {
    expect(given('-b', ':1', '--bind=unix:x', '-b:2')).to.deep.equal({ bind: [':1', 'unix:x', ':2'] })
  })

  it('takes the last of flags that may be given once', () => {
    expect(given('-w1', '-w2')).to.deep.equal({ workers: 2 })
  })

  it('takes - as a value, for a log on standard output', () => {
    expect(given('--access-logfile', '-', 'app.ts')).to.deep.equal({ accesslog: '-', app: 'app.ts' })
  })

  it('takes switches that stand together', () => {
    expect(given('-DR')).to.deep.equal({ daemon: true, enable_stdio_inheritance: true })
  })

  it('leaves everything after -- to the application', () => {
    expect(given('./app.ts', '--', '-p', '3', '--')).to.deep.equal({
      app: './app.ts',
      app_args: ['-p', '3', '--'],
    })
  })

  it('lets --proxy-protocol stand alone before the application', () => {
    expect(given('--proxy-protocol', './app.ts')).to.deep.equal({ proxy_protocol: 'auto', app: './app.ts' })
    expect(given('--proxy-protocol', 'v1')).to.deep.equal({ proxy_protocol: 'v1' })
  })

  it('knows --no-control-socket, as Gunicorn spells it', () => {
    expect(given('--no-control-socket')).to.deep.equal({ control_socket_disable: true })
  })

  for (const name of settingNames) {
    const { kind, flag } = declarations[name]
    if (kind.switch) {
      it(`can turn ${name} on and off`, () => {
        expect(given(flag ?? '')).to.deep.equal({ [name]: true })
        expect(given(`--no-${flag?.slice(2)}`)).to.deep.equal({ [name]: false })
      })
    } else if (!kind.fileOnly && name !== 'app_args') {
      it(`has a flag for ${name}`, () => {
        expect(flag).to.match(/^--[a-z\d_-]+$/)
      })
    }
  }

  it('gives no two settings the same flag', () => {
    const all = settingNames.flatMap((name: SettingName) => {
      const { flag, short, also = [] } = declarations[name]
      return [flag, short, ...also].filter(spelling => spelling !== undefined)
    })
    expect(all).to.deep.equal([...new Set(all)])
  })

  const mistakes: [string[], string][] = [
    [['--wrokers', '3'], '--wrokers is not a flag: did you mean --workers?'],
    [['-z'], '-z is not a flag: see tsicorn --help'],
    [['-w'], '-w needs a value: write -w INT|auto|MIN..MAX'],
    [['--timeout', '--reload'], '--timeout needs a value: write --timeout SECONDS'],
    [
      ['-w', 'many'],
      'workers must be a whole number from 1 to 4096, \'auto\', or a range such as 2..8 or { min: 2, max: 8 }, not "many"',
    ],
    [['--reload=yes'], '--reload takes no value, not "yes"'],
    [['a.ts', 'b.ts'], 'Cannot serve two applications, "a.ts" and "b.ts": name one'],
  ]
  for (const [argv, expected] of mistakes) {
    it(`refuses ${argv.join(' ')} and ends with 2`, async () => {
      expect(message(...argv)).to.include(expected)
      expect((await refused({ argv })).exitCode).to.equal(2)
    })
  }

  it('names all flags that cannot be understood at once', async () => {
    const { problems } = await refused({ argv: ['--wrokers', '-t', 'x', '-z'] })
    expect(problems).to.have.length(3)
  })

  it('refuses --json without --print-config', async () => {
    const { message: text, exitCode } = await refused({ argv: ['--json', 'app.ts'] })
    expect([text, exitCode]).to.deep.equal([
      '--json: Only --print-config has a form in JSON: add --print-config',
      2,
    ])
  })
})
