/** A forked host finds the world as one that its worker has started: user, folder, umask, environment, limits, signals. */
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { expect } from 'chai'
import { forkedBy, forkServerOf } from '../../support/python/fork-server.ts'
import { describeWithPython } from '../../support/python/launch.ts'
import { fresh } from '../../support/requests.ts'
import {
  afterServers,
  childrenOf,
  eventually,
  launch,
  makeFolder,
  type Tsicorn,
} from '../../support/tsicorn.ts'

const app = `
import json, os, resource, signal, sys, threading
os.environ['SET_AT_IMPORT'] = 'yes'
os.environ.pop('TAKEN_AT_IMPORT')
def application(environ, start_response):
    mask = os.umask(0o22)
    os.umask(mask)
    ignored = ('TSICORN_ARBITER', 'TSICORN_WORKER')
    names = [name for name in dir(signal) if name.startswith('SIG') and not name.startswith('SIG_')]
    world = {
        'pid': os.getpid(), 'user': os.getresuid(), 'group': os.getresgid(), 'folder': os.getcwd(), 'umask': mask,
        'env': {name: value for name, value in os.environ.items() if name not in ignored},
        'limits': [resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC)],
        'signals': {name: str(signal.getsignal(getattr(signal, name))).split(' at ')[0] for name in names},
        'blocked': sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        'path': sys.path, 'argv': len(sys.argv), 'threads': sorted(thread.name.split('-')[0] for thread in threading.enumerate()),
        'session': os.getsid(0) == os.getsid(os.getppid()), 'inheritable': [fd for fd in range(3, 64) if is_inheritable(fd)],
        'descriptors': len(os.listdir('/proc/self/fd')),
    }
    print('printed by a request')
    sys.stderr.write('complained by a request\\n')
    start_response('200 OK', [])
    return [json.dumps(world).encode()]
def is_inheritable(fd):
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False
`

type World = Readonly<Record<string, unknown>> & {
  readonly pid: number
  readonly env: Record<string, string>
}

async function worldOf(server: Tsicorn): Promise<Omit<World, 'pid'>> {
  const { pid, ...world } = JSON.parse(await fresh(await server.running())) as World
  for (const word of ['printed', 'complained'])
    await eventually(`it has ${word}`, () => server.log.includes(`${word} by a request`))
  return { ...world, env: { ...world.env, PWD: '' }, folder: '', path: (world.path as string[]).slice(2) }
}

const base = [
  '-b',
  '127.0.0.1:0',
  '-k',
  'wsgi',
  '--threads',
  '2',
  '--env',
  'WORD=a b',
  '--env',
  'EMPTY=',
  '--env',
  'TAKEN_AT_IMPORT=x',
]

describeWithPython('a forked host', () => {
  it('finds what one finds that its worker has started', async () => {
    const folder = makeFolder({ 'app.py': app, 'lib/unused.py': '' })
    afterServers(() => rmSync(folder, { recursive: true }))
    const args = [...base, '--pythonpath', 'lib']
    const forked = launch({ folder, args: [...args, '--preload', 'app'] })
    const started = launch({ folder, args: [...args, 'app'] })
    const world = await worldOf(forked)
    expect(world).to.deep.equal(await worldOf(started))
    expect(world.env).to.deep.include({
      WORD: 'a b',
      EMPTY: '',
      SET_AT_IMPORT: 'yes',
      TSICORN_WORKER_INDEX: '0',
    })
  })

  it('runs as the user of its worker, and so does the fork server', async function () {
    const python = '/usr/bin/python3'
    if (process.getuid?.() !== 0 || !existsSync(python)) return this.skip()
    const folder = makeFolder({ 'app.py': app })
    afterServers(() => rmSync(folder, { recursive: true }))
    chmodSync(folder, 0o755)
    const args = [...base, '--python', python, '-u', 'nobody', '-g', 'nogroup']
    const forked = launch({ folder, args: [...args, '--preload', 'app'], errors: true })
    const world = await worldOf(forked)
    expect(forkedBy(forked)).to.have.length(1)
    const started = launch({ folder, args: [...args, 'app'] })
    const { env, ...others } = await worldOf(started)
    expect(world).to.deep.include(others)
    expect(world.env).to.deep.equal(env)
    expect(env).to.include({ USER: 'nobody' })
    const host = forkedBy(forked)[0] as number
    process.kill(host, 'SIGKILL')
    await eventually('another one is forked', () =>
      childrenOf(forkServerOf(forked)).some(pid => pid !== host),
    )
  })
})
