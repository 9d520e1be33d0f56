/** The kind of worker that follows from the application, and what follows from it. */
import { availableParallelism } from 'node:os'
import { expect } from 'chai'
import { refused, resolved } from './resolving.ts'

type Files = Readonly<Record<string, string>>

async function kindOf(app: string, files: Files, ...args: string[]): Promise<string> {
  const { settings, origins } = await resolved({ argv: [...args, app], files })
  return `${settings.worker_class} (${origins.worker_class})`
}

describe('worker_class', () => {
  it('is wsgi for a module of Python that is there, and async for anything else', async () => {
    const py = { 'app.py': '', 'pkg/web.py': '', 'pkg/__init__.py': '', 'lib/far.py': '' }
    expect(await kindOf('app', py)).to.equal('wsgi (app.py)')
    expect(await kindOf('app:create("a/b.js")', py)).to.equal('wsgi (app.py)')
    expect(await kindOf('pkg.web:app', py)).to.equal('wsgi (pkg/web.py)')
    expect(await kindOf('pkg:app', py)).to.equal('wsgi (pkg/__init__.py)')
    expect(await kindOf('./app.py', py)).to.equal('wsgi (app.py)')
    expect(await kindOf('far', py, '--pythonpath', 'lib')).to.equal('wsgi (lib/far.py)')
    for (const app of ['other', './app', 'lib/far', 'pkg.other:app', './other.py'])
      expect(await kindOf(app, py), app).to.equal('async (default)')
  })

  it('is async where Node has a file, a folder or a package of that name', async () => {
    for (const other of [
      'app.js',
      'app.mts',
      'app/package.json',
      'app/index.js',
      'node_modules/app/package.json',
    ])
      expect(await kindOf('app', { 'app.py': '', [other]: '{}' }), other).to.equal('async (default)')
  })

  it('stays what was asked for', async () => {
    expect(await kindOf('app', { 'app.py': '' }, '-k', 'async')).to.equal('async (-k)')
    expect(await kindOf('app', { 'app.js': '' }, '-k', 'wsgi')).to.equal('wsgi (-k)')
  })

  it('is wsgi with a paste file, which is the application then', async () => {
    const { settings } = await resolved({ argv: ['--paste', 'site.ini#main'] })
    expect(settings).to.include({ app: 'site.ini#main', worker_class: 'wsgi', threads: 4 })
  })

  it('decides how many threads there are, unless somebody else does', async () => {
    expect((await resolved({ argv: ['app'] })).settings.threads).to.equal(1)
    expect((await resolved({ argv: ['-k', 'wsgi', 'app'] })).settings.threads).to.equal(4)
    expect((await resolved({ argv: ['-k', 'wsgi', '--threads', '1', 'app'] })).settings.threads).to.equal(1)
  })

  it('is threads where there is more than one, unless another one was asked for', async () => {
    expect(await kindOf('./app.js', {}, '--threads', '4')).to.equal('threads (threads, --threads)')
    expect(await kindOf('./app.js', {}, '--threads', '1')).to.equal('async (default)')
    expect(await kindOf('app', { 'app.py': '' }, '--threads', '4')).to.equal('wsgi (app.py)')
    const { message } = await refused({ argv: ['-k', 'async', '--threads', '4', './app.js'] })
    expect(message).to.equal('--threads: threads needs worker_class wsgi or threads, not async')
  })

  it('has a thread for each core that a worker may use', async () => {
    const cores = availableParallelism()
    const threadsWith = async (...args: string[]) =>
      (await resolved({ argv: ['-k', 'threads', ...args, './app.js'] })).settings.threads
    expect(await threadsWith()).to.equal(cores)
    expect(await threadsWith('-w', 'auto')).to.equal(1)
    expect(await threadsWith('-w', `1..${2 * cores}`)).to.equal(1)
    expect(await threadsWith('--threads', '3')).to.equal(3)
  })

  it('threads needs a connection for each thread', async () => {
    const argv = ['-k', 'threads', '--threads', '4', './app.js', '--worker-connections']
    expect((await resolved({ argv: [...argv, '4'] })).settings.worker_connections).to.equal(4)
    const { message } = await refused({ argv: [...argv, '3'] })
    expect(message).to.equal(
      '--worker-connections: worker_connections must be at least threads, which is 4, not 3: each thread accepts its share',
    )
  })

  it('says which settings another one would need', async () => {
    const { message } = await refused({ argv: ['--python', 'python3', '--pythonpath', 'a', './app.js'] })
    expect(message.split('\n')).to.have.members([
      '--python: python needs worker_class wsgi, not async',
      '--pythonpath: pythonpath needs worker_class wsgi, not async',
    ])
  })
})
