/** Which of default, variable, file and flag gives a setting its value, and what is said where that is wrong. */
import { join } from 'node:path'
import { expect } from 'chai'
import { folderWith, removeFolders } from '../load/folder.ts'
import { refused, resolved } from './resolving.ts'

const config = (text: string) => ({ 'tsicorn.config.json': text })

describe('resolving settings', () => {
  afterEach(removeFolders)

  it('takes the defaults where nothing else is said', async () => {
    const { settings, command, file } = await resolved({ argv: ['./app.ts'] })
    expect(settings).to.include({
      app: './app.ts',
      workers: 1,
      timeout: 30,
      keepalive: 65,
      proc_name: './app.ts',
    })
    expect(settings.bind).to.deep.equal(['127.0.0.1:8000'])
    expect([command, file]).to.deep.equal(['serve', undefined])
  })

  it('lets each layer win over the one below, and says which won', async () => {
    const files = config(
      '{ "app": "file.ts", "timeout": 1, "graceful_timeout": 1, "boot_timeout": 1, "workers": 1 }',
    )
    const env = { WEB_CONCURRENCY: '9', TSICORN_CMD_ARGS: '--timeout 2 --graceful-timeout 2 ignored.ts' }
    const { settings, origins } = await resolved({ files, env, argv: ['-t3'] })
    expect(settings).to.include({
      app: 'file.ts',
      timeout: 3,
      graceful_timeout: 2,
      boot_timeout: 1,
      workers: 1,
    })
    expect(origins).to.include({
      timeout: '-t',
      graceful_timeout: 'TSICORN_CMD_ARGS',
      boot_timeout: 'tsicorn.config.json',
      keepalive: 'default',
    })
  })

  it('replaces the list of a lower layer by that of a higher one', async () => {
    const files = config('{ "app": "a", "bind": [":1", ":2"], "raw_env": ["A=1"] }')
    const { settings } = await resolved({
      files,
      argv: ['-b', ':3'],
      env: { TSICORN_CMD_ARGS: '-b :4 -e B=2 -e C=3' },
    })
    expect([settings.bind, settings.raw_env]).to.deep.equal([[':3'], ['B=2', 'C=3']])
  })

  it('takes PORT and WEB_CONCURRENCY as defaults', async () => {
    const { settings, origins } = await resolved({ argv: ['a'], env: { PORT: '99', WEB_CONCURRENCY: '3' } })
    expect([settings.bind, settings.workers]).to.deep.equal([['0.0.0.0:99'], 3])
    expect(origins).to.include({ bind: 'PORT', workers: 'WEB_CONCURRENCY' })
  })

  it('takes an empty variable as unset', async () => {
    const env = { PORT: '', WEB_CONCURRENCY: '', FORWARDED_ALLOW_IPS: '', TSICORN_CMD_ARGS: '' }
    const { settings } = await resolved({ argv: ['a'], env })
    expect(settings).to.deep.include({
      bind: ['127.0.0.1:8000'],
      workers: 1,
      forwarded_allow_ips: ['127.0.0.1', '::1'],
    })
  })

  it('takes FORWARDED_ALLOW_IPS as a default', async () => {
    const { origins } = await resolved({ argv: ['a'], env: { FORWARDED_ALLOW_IPS: '127.0.0.1,::1' } })
    expect(origins.forwarded_allow_ips).to.equal('FORWARDED_ALLOW_IPS')
    const { message } = await refused({ argv: ['a'], env: { FORWARDED_ALLOW_IPS: '10.0.0.1/8' } })
    expect(message).to.match(/^FORWARDED_ALLOW_IPS: forwarded_allow_ips must be .*, not "10.0.0.1\/8"$/m)
  })

  it('reads variables when it resolves, not when it is imported', async () => {
    const workers = ['2', '3'].map(
      async text => (await resolved({ argv: ['a'], env: { WEB_CONCURRENCY: text } })).settings.workers,
    )
    expect(await Promise.all(workers)).to.deep.equal([2, 3])
  })

  it('takes app under the name wsgi_app too', async () => {
    expect((await resolved({ files: config('{ "wsgi_app": "w.ts" }') })).settings.app).to.equal('w.ts')
    const { message } = await refused({ files: config('{ "app": "a", "wsgi_app": "b" }') })
    expect(message).to.equal(
      'tsicorn.config.json: wsgi_app is another name of a setting that is set already: keep app',
    )
  })

  for (const [flag, command] of [
    ['--check-config', 'check'],
    ['--print-config', 'print'],
    ['--help', 'help'],
    ['-v', 'version'],
  ]) {
    it(`takes ${flag} as the command ${command}`, async () => {
      expect((await resolved({ argv: ['a', flag ?? ''] })).command).to.equal(command)
    })
  }

  it('answers --help whatever else is wrong', async () => {
    const given = { argv: ['--wrokers', '-h'], env: { TSICORN_CMD_ARGS: '-w many' }, files: config('{') }
    expect((await resolved(given)).command).to.equal('help')
  })

  it('refuses max_total_memory where the number of workers never changes', async () => {
    const { message } = await refused({ argv: ['a.ts', '-w', '3', '--max-total-memory', '1G'] })
    expect(message).to.equal(
      '--max-total-memory: max_total_memory needs workers as a range, such as 2..8: 3 workers stay 3',
    )
  })

  it('tells all problems at once, each with its origin', async () => {
    const cwd = folderWith(
      config('{ "timout": 3, "workers": "4", "asgi_lifespan": "on", "bind": "x:y", "chdir": "nowhere" }'),
    )
    const { message, exitCode } = await refused({
      cwd,
      argv: ['--spew', '-kasync', '--threads=2'],
      env: { TSICORN_CMD_ARGS: '--log-config x' },
    })
    expect(message.split('\n')).to.have.members([
      "TSICORN_CMD_ARGS: --log-config cannot exist in Node: it configures Python's logging module: use logger_class",
      "--spew cannot exist in Node: it traces Python line by line: profile with NODE_OPTIONS='--cpu-prof'",
      'tsicorn.config.json: timout is not a setting: did you mean timeout?',
      'tsicorn.config.json: workers must be a whole number from 1 to 4096, \'auto\', or a range such as 2..8 or { min: 2, max: 8 }, not "4"',
      '--threads: threads needs worker_class wsgi or threads, not async',
      'tsicorn.config.json: asgi_lifespan is not available yet',
      `tsicorn.config.json: chdir must be an existing folder, not ${JSON.stringify(join(cwd, 'nowhere'))}`,
      'tsicorn.config.json: bind "x:y" has the port "y", which is not a number from 0 to 65535',
      'No application named: write tsicorn ./app.ts, or set app in tsicorn.config.ts',
    ])
    expect(exitCode).to.equal(1)
  })

  it('refuses a wrong value in the file although a flag wins over it', async () => {
    const { message } = await refused({ files: config('{ "app": "a", "timeout": "soon" }'), argv: ['-t1'] })
    expect(message).to.equal(
      'tsicorn.config.json: timeout must be a number of seconds, 0 or more, not "soon"',
    )
  })

  it('says that no application is named, and how to name one', async () => {
    const { message, exitCode } = await refused({})
    expect([message, exitCode]).to.deep.equal([
      'No application named: write tsicorn ./app.ts, or set app in tsicorn.config.ts',
      1,
    ])
  })

  it('resolves chdir from the folder that it was started in', async () => {
    const cwd = folderWith({ 'sub/x': '' })
    expect((await resolved({ cwd, argv: ['a', '--chdir', 'sub'] })).settings.chdir).to.equal(join(cwd, 'sub'))
  })

  it('refuses a chdir that is a file', async () => {
    expect((await refused({ files: { x: '' }, argv: ['a', '--chdir=x'] })).message).to.match(
      /^--chdir: chdir must be an existing folder/,
    )
  })

  it('refuses a variable with flags that cannot be understood', async () => {
    const { message, exitCode } = await refused({ argv: ['a'], env: { TSICORN_CMD_ARGS: `--name 'x` } })
    expect(message).to.equal(
      `TSICORN_CMD_ARGS: Cannot split "--name 'x" into words: ' has nothing that ends it`,
    )
    expect(exitCode).to.equal(2)
  })
})
