/** Loggers of the user get the lines of arbiter and workers, and one that fails later ends no server. */
import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `export default (_req, res) => res.end('hello')`

/** Prints what it gets, one line for each. */
const printing = `import type { LoggerFactory } from 'tsicorn'
enum Word { made = 'made' }
export const printing: LoggerFactory = async ({ level, errorlog, proc_name }) => {
  console.log(Word.made, level, errorlog, proc_name)
  return {
    level,
    log: (level, message, { pid }) => console.log('got', level, pid, message),
    reopen: () => console.log('reopened'),
    end: () => console.log('ended'),
  }
}
export default 'no function'
`

function launchWith(
  logger: string,
  files: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', '--logger-class', logger, ...args, './app.mjs'],
    files: { 'app.mjs': app, ...files },
  })
}

describe('logger_class', () => {
  it('makes the logger that gets the lines of arbiter and workers', async () => {
    const server = launchWith(
      './logger.ts:printing',
      { 'logger.ts': printing },
      '--log-level',
      'debug',
      '--name',
      'shop',
    )
    await server.says(/^made debug - shop\n/)
    await server.says(new RegExp(`got info ${server.pid} Starting tsicorn`))
    await server.says(/Running/)
    const [worker] = server.workers
    server.signal('SIGUSR1')
    await server.says(/\nreopened\n/)
    await server.stop()
    expect(server.log).to.contain(`got debug ${worker} The app is a request listener\n`)
    expect(server.log).to.match(/got info \d+ Stopped\nended\n$/)
    expect(server.log).not.to.match(/\[INFO\]/)
  })

  it('takes a logger of winston, with the levels that winston has of its own', async () => {
    const server = launch({
      files: {
        'app.mjs': app,
        'logger.mjs': `import winston from ${JSON.stringify(import.meta.resolve('winston'))}
          export default ({ level }) => winston.createLogger({
            level,
            format: winston.format.printf(({ level, message, pid }) => [level, pid, message].join(' ')),
            transports: [new winston.transports.File({ filename: 'own.log' })],
          })`,
        'tsicorn.config.mjs': `export default {
          app: './app.mjs', bind: '127.0.0.1:0', logger_class: './logger.mjs',
          when_ready: ({ log }) => { log.warning('as warn'); log.critical('as error') },
        }`,
      },
    })
    const path = `${server.folder}/own.log`
    const read = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
    await eventually('the log says that it runs', () => /as error/.test(read()))
    await server.stop()
    expect(read()).to.contain(`\nwarn ${server.pid} as warn\nerror ${server.pid} as error\n`)
    expect(read()).to.match(/info \d+ Stopped\n$/)
    expect(server.log).to.equal('')
  })

  it('is found in a package', async () => {
    const server = launchWith('own-logger', {
      'node_modules/own-logger/package.json': '{ "type": "module", "exports": { "import": "./main.js" } }',
      'node_modules/own-logger/main.js': `export default () => ({ log: (_level, message) => console.log('packed', message) })`,
    })
    await server.says(/packed Starting tsicorn/)
    await server.says(/packed Running/)
  })

  it('may fail later: the server goes on', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--logger-class', './logger.mjs', './app.mjs'],
      files: {
        'app.mjs': app,
        'logger.mjs': `export default () => ({ log(_level, message) {
          if (/Listening/.test(message)) throw new Error('no ink')
          console.log(message)
        } })`,
      },
      errors: true,
    })
    await server.says(/\[ERROR\] logger_class failed: Error: no ink\n/)
    await server.says(/Running/)
    expect((await server.stop()).code).to.equal(0)
  })

  const refused: readonly (readonly [string, string, string, RegExp])[] = [
    ['a file that is missing', './none.ts', '', /there is no such file in \S+: check the path and chdir\n$/],
    [
      'a package that is missing',
      'no-such',
      '',
      /there is no such file in \S+ and no package no-such to import from there: /,
    ],
    [
      'an export that is missing',
      './logger.mjs:other',
      'export const one = 1',
      /it has no export other, it exports one: export a function that returns a logger\n$/,
    ],
    [
      'no function',
      './logger.mjs',
      'export default {}',
      /its export default is an object: export a function that returns a logger\n$/,
    ],
    [
      'a module that throws',
      './logger.mjs',
      `throw new Error('broken')`,
      /logger\.mjs: Cannot load it: it threw Error: broken\n$/,
    ],
    [
      'a function that throws',
      './logger.mjs',
      `export default () => { throw new Error('no logger') }`,
      /it threw Error: no logger\n +at /,
    ],
    [
      'something else',
      './logger.mjs',
      'export default () => ({ info() {} })',
      /it returned an object without a method log\(level, message\)\n$/,
    ],
  ]
  for (const [what, logger, text, words] of refused) {
    it(`cannot be ${what}: one message, exit code 1`, async () => {
      const server = launchWith(logger, { 'logger.mjs': text })
      expect((await server.ended).code).to.equal(1)
      expect(server.log.startsWith(`Cannot use logger_class "${logger}": `)).to.equal(true)
      expect(server.log).to.match(words)
    })
  }

  it('is looked at by --check-config', async () => {
    const server = launchWith('./none.ts', {}, '--check-config')
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(/^Cannot use logger_class "\.\/none\.ts": /)
  })
})
