/** Which changes of files are heard, through links, imports and patterns too, and which are left out. */
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { type Watch, type WatchOptions, watchSources } from '../../../daemon/generation/watch.ts'

describe('watching', () => {
  let root: string
  let folder: string
  let watch: Watch | undefined
  let changes: string[]
  let heard: () => void

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'tsicorn-watch-')))
    folder = join(root, 'app')
    changes = []
    heard = () => undefined
    write('app/src/app.ts')
  })
  afterEach(async () => {
    await watch?.close()
    watch = undefined
    rmSync(root, { recursive: true })
  })

  for (const engine of ['auto', 'inotify', 'poll'] as const) {
    it(`hears of a source file that changed (${engine})`, async () => {
      await start({ engine })
      // The first look of `poll` at a file may come late, and a change before it is none.
      let changes = 0
      const timer = setInterval(() => write('app/src/app.ts', `changed ${++changes}`), 300)
      expect(await next()).to.equal(join(folder, 'src/app.ts'))
      clearInterval(timer)
    })
  }

  for (const name of ['a.mts', 'b.cts', 'c.tsx', 'd.js', 'e.mjs', 'f.cjs', 'g.jsx', 'h.json', 'dist/i.js']) {
    it(`hears of a new source file ${name}`, async () => {
      await start()
      write(`app/${name}`)
      expect(await next()).to.equal(join(folder, name))
    })
  }

  it('hears of a file that was removed', async () => {
    await start()
    rmSync(join(folder, 'src/app.ts'))
    expect(await next()).to.equal(join(folder, 'src/app.ts'))
  })

  it('hears of a file that another one was renamed to', async () => {
    write('app/src/app.ts.new', 'newer')
    await start()
    renameSync(join(folder, 'src/app.ts.new'), join(folder, 'src/app.ts'))
    expect(await next()).to.equal(join(folder, 'src/app.ts'))
  })

  for (const [what, path] of Object.entries({
    'the folder': 'releases/current',
    'a folder above it': 'releases/current/src',
  })) {
    it(`hears that ${what} is led elsewhere by a link, however it is reached`, async () => {
      write('releases/1/src/app.ts')
      write('releases/2/src/app.ts')
      symlinkSync('1', join(root, 'releases/current'))
      folder = join(root, path)
      await start()
      symlinkSync('2', join(root, 'releases/next'))
      renameSync(join(root, 'releases/next'), join(root, 'releases/current'))
      expect(await next()).to.equal(folder)
    })
  }

  it('hears that an imported file is another one, as the data of a ConfigMap', async () => {
    write('config/..1/settings.mjs')
    write('config/..2/settings.mjs')
    symlinkSync('..1', join(root, 'config/..data'))
    symlinkSync('..data/settings.mjs', join(root, 'config/settings.mjs'))
    await start({ files: [join(root, 'config/settings.mjs')] })
    symlinkSync('..2', join(root, 'config/..new'))
    renameSync(join(root, 'config/..new'), join(root, 'config/..data'))
    expect(await next()).to.equal(join(root, 'config/settings.mjs'))
  })

  it('hears of files in a folder that was made later', async () => {
    await start()
    write('app/src/routes/users/[id].ts')
    expect(await next()).to.equal(join(folder, 'src/routes/users/[id].ts'))
  })

  it('hears of files behind a symbolic link', async () => {
    write('shared/index.ts')
    symlinkSync(join(root, 'shared'), join(folder, 'shared'))
    await start()
    write('shared/index.ts', 'changed')
    expect(await next()).to.equal(join(folder, 'shared/index.ts'))
  })

  for (const name of [
    'node_modules/package/index.js',
    '.git/hook.js',
    '.cache/a/b.json',
    '.eslintrc.json',
    'notes.md',
  ]) {
    it(`leaves ${name} out`, async () => {
      write(`app/${name}`)
      await start()
      write(`app/${name}`, 'changed')
      write('app/src/app.ts', 'changed')
      expect(await next()).to.equal(join(folder, 'src/app.ts'))
      expect(changes).to.deep.equal([])
    })
  }

  it('watches an app below a folder with such a name', async () => {
    folder = join(root, '.worktrees/app')
    write('.worktrees/app/app.ts')
    await start()
    write('.worktrees/app/app.ts', 'changed')
    expect(await next()).to.equal(join(folder, 'app.ts'))
  })

  it('takes a burst of changes for one', async () => {
    await start()
    for (let number = 0; number < 50; number += 1) write(`app/src/${number}.ts`)
    await next()
    write('app/src/last.ts')
    let calls = 1
    while ((await next()) !== join(folder, 'src/last.ts')) calls += 1
    // One, unless the machine is so busy that the burst had a pause.
    expect(calls).to.be.below(10)
  })

  it('hears of the configuration and its imports elsewhere, and of none of their neighbours', async () => {
    write('deploy/tsicorn.config.ts')
    write('deploy/other.ts')
    await start({ files: [join(root, 'deploy/tsicorn.config.ts')] })
    write('deploy/other.ts', 'changed')
    write('deploy/tsicorn.config.ts', 'changed')
    expect(await next()).to.equal(join(root, 'deploy/tsicorn.config.ts'))
  })

  it('leaves out what a configuration imported from a package', async () => {
    write('node_modules/package/index.ts')
    await start({ files: [join(root, 'node_modules/package/index.ts')] })
    write('node_modules/package/index.ts', 'changed')
    write('app/src/app.ts', 'changed')
    expect(await next()).to.equal(join(folder, 'src/app.ts'))
  })

  const extras: readonly { readonly extra: string; readonly file: string }[] = [
    { extra: '.env', file: 'app/.env' },
    { extra: '.env*', file: 'app/.env.local' },
    { extra: 'views/**/*.html', file: 'app/views/users/show.html' },
    { extra: '*.{yml,yaml}', file: 'app/limits.yaml' },
    { extra: 'pages/[id].html', file: 'app/pages/[id].html' },
    { extra: 'views', file: 'app/views/users/show.html' },
    { extra: '../shared/*.sql', file: 'shared/schema.sql' },
    { extra: '../secrets.txt', file: 'secrets.txt' },
  ]

  for (const { extra, file } of extras) {
    it(`hears of ${file} because of the extra file ${extra}`, async () => {
      write(file)
      write('app/views/notes.md')
      await start({ extra: [extra] })
      write(file, 'changed')
      expect(await next()).to.equal(join(root, file))
    })
  }

  it('hears of an extra file that did not exist, every time that it comes', async () => {
    await start({ extra: ['../restart.txt'] })
    write('restart.txt')
    expect(await next()).to.equal(join(root, 'restart.txt'))
    rmSync(join(root, 'restart.txt'))
    expect(await next()).to.equal(join(root, 'restart.txt'))
    write('restart.txt')
    expect(await next()).to.equal(join(root, 'restart.txt'))
  })

  it('leaves out what no pattern of extra files matches', async () => {
    write('app/views/notes.md')
    await start({ extra: ['views/*.html'] })
    write('app/views/notes.md', 'changed')
    write('app/src/app.ts', 'changed')
    expect(await next()).to.equal(join(folder, 'src/app.ts'))
  })

  it('says nothing more once it is closed', async () => {
    await start()
    const first = watch as Watch
    const silent = changes
    write('app/src/app.ts', 'changed')
    await first.close()
    changes = []
    await start()
    write('app/src/app.ts', 'changed again')
    await next()
    expect(silent).to.deep.equal([])
  })

  function write(path: string, text = 'new'): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }

  async function start(options: Partial<WatchOptions> = {}): Promise<void> {
    const list = changes
    watch = await watchSources({
      folder,
      engine: 'auto',
      extra: [],
      files: [],
      onChange: path => {
        list.push(path)
        heard()
      },
      onError: message => expect.fail(message),
      ...options,
    })
  }

  async function next(): Promise<string> {
    if (changes.length === 0) {
      await new Promise<void>(resolve => {
        heard = resolve
      })
    }
    return changes.shift() as string
  }
})
