/** What kinds of workers need, and what they cannot have: each is refused by its name. */
import { expect } from 'chai'
import { refusals as allRefusals } from '../../../config/resolve/check-worker-class.ts'
import { defaultOf } from '../../../config/resolve/layers.ts'
import { programs } from '../../../config/settings/programs.ts'
import { declarations, type SettingName } from '../../../config/table.ts'
import { removeFolders } from '../load/folder.ts'
import { refused, resolved, unusual } from './resolving.ts'

const { exec: refusals = {}, sync: refusedForSync = {} } = allRefusals

const exec = { worker_class: 'exec', app_args: ['server', '--fd', '3'] }

/** The settings of a program in a file, with some more. */
function file(settings: Readonly<Record<string, unknown>> = {}) {
  return { files: { 'tsicorn.config.json': JSON.stringify({ ...exec, ...settings }) } }
}

function usual(name: SettingName): unknown {
  return defaultOf(name, { cwd: '/', app: '', platform: process.platform })
}

describe('worker_class exec', () => {
  afterEach(removeFolders)

  it('takes the program and its arguments from behind --, and its name from the program', async () => {
    const { settings, parsed } = await resolved({
      argv: ['-k', 'exec', '--', '/opt/bin/server', '--fd', '3'],
    })
    expect(settings.app_args).to.deep.equal(['/opt/bin/server', '--fd', '3'])
    expect(parsed.name).to.equal('server')
  })

  const mistakes: readonly [argv: readonly string[], message: string][] = [
    [['-k', 'exec'], '-k: worker_class "exec" needs a program: write tsicorn -k exec -- PROGRAM ARGUMENTS'],
    [
      ['-k', 'exec', '--'],
      '-k: worker_class "exec" needs a program: write tsicorn -k exec -- PROGRAM ARGUMENTS',
    ],
    [
      ['-k', 'exec', './app.js'],
      'APP: worker_class "exec" runs a program, which is named after --: write tsicorn -k exec -- ./app.js',
    ],
    [
      ['-k', 'exec', './app.js', '--', 'server'],
      'APP: worker_class "exec" runs "server", so there is no use for the application "./app.js": leave one of them out',
    ],
    [
      ['-k', 'exec', '--ready-line', '(', '--', 'server'],
      `--ready-line: ready_line must be null or a regular expression in JavaScript's notation, not "("`,
    ],
    [
      ['-k', 'exec', '--ready-line', 'up', '--ready-after', '2', '--', 'server'],
      '--ready-after: ready_after and ready_line are two ways to be ready: keep one of them',
    ],
    [
      ['-k', 'exec', '-b', ':8000', '-b', ':8001', '--ready-fd', '4', '--', 'server'],
      '--ready-fd: ready_fd must be 5 or more, not 4: the sockets are at 3 to 4',
    ],
    [
      ['-k', 'exec', '-b', ':8000', '--ready-http', 'http://127.0.0.1:8000/', '--', 'server'],
      '--ready-http: ready_http "http://127.0.0.1:8000/" is at :8000, where any worker may answer: let the program listen at an address of its own as well',
    ],
    [
      ['./app.js', '--stop-signal', 'INT'],
      '--stop-signal: stop_signal is for programs, and worker_class is "async": set worker_class to "exec", or leave stop_signal out',
    ],
  ]
  for (const [argv, message] of mistakes) {
    it(`refuses tsicorn ${argv.join(' ')}`, async () => {
      expect((await refused({ argv })).message).to.equal(message)
    })
  }

  const later = (name: SettingName) => declarations[name].available === false
  for (const name of (Object.keys(refusals) as SettingName[]).filter(name => !later(name))) {
    it(`refuses ${name} with one reason`, async () => {
      const { message } = await refused(file({ [name]: unusual(name) }))
      expect(message.split('\n')).to.include(
        `tsicorn.config.json: worker_class "exec" has no ${name}: ${refusals[name]}`,
      )
    })
  }

  const own = {
    ready_fd: 9,
    ready_line: 'is\\-up',
    ready_http: 'unix:/a.sock',
    ready_after: 3,
    stop_signal: 'INT',
  }
  for (const [name, value] of Object.entries(own)) {
    it(`has ${name}`, async () => {
      expect(Object.keys(programs)).to.include(name)
      expect((await resolved(file({ [name]: value }))).settings).to.have.property(name, value)
    })
  }

  it('has nothing against what is as it would be without it', async () => {
    const names = Object.keys(refusals) as SettingName[]
    const { settings } = await resolved(file(Object.fromEntries(names.map(name => [name, usual(name)]))))
    expect(settings.worker_class).to.equal('exec')
  })

  it('leaves variables to the program that settings have as well', async () => {
    const { settings } = await resolved({ ...file(), env: { FORWARDED_ALLOW_IPS: '10.0.0.1' } })
    expect(settings.worker_class).to.equal('exec')
  })

  it('refuses hooks that run in a worker of Node, and calls those of the arbiter', async () => {
    const text = (hooks: string) => ({
      files: { 'tsicorn.config.mjs': `export default { ...${JSON.stringify(exec)}, ${hooks} }` },
    })
    const { message } = await refused(text('post_fork() {}, pre_fork() {}'))
    expect(message).to.equal(
      'worker_class "exec" has no hook post_fork, which runs in a worker of Node: use pre_fork or child_exit',
    )
    const { hooks } = await resolved(text('worker_abort() {}, child_exit() {}'))
    expect(Object.keys(hooks)).to.deep.equal(['worker_abort', 'child_exit'])
  })
})

describe('worker_class sync', () => {
  afterEach(removeFolders)

  const sync = (settings: object) => ({
    files: { 'tsicorn.config.json': JSON.stringify({ app: './a.js', worker_class: 'sync', ...settings }) },
  })

  for (const name of Object.keys(refusedForSync) as SettingName[]) {
    it(`refuses ${name} with one reason`, async () => {
      const { message } = await refused(sync({ [name]: unusual(name) }))
      expect(message.split('\n')).to.include(
        `tsicorn.config.json: worker_class "sync" has no ${name}: ${refusedForSync[name]}`,
      )
    })
  }

  it('has nothing against what is as it would be without it', async () => {
    const names = Object.keys(refusedForSync) as SettingName[]
    const { settings } = await resolved(sync(Object.fromEntries(names.map(name => [name, usual(name)]))))
    expect(settings.worker_class).to.equal('sync')
  })
})
