/** Finding 4: what fails while a worker is started ends nothing that works. */
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { becomes } from '../server/patience.ts'
import { signal } from '../server/session.ts'
import type { Adversary } from '../turn.ts'

const app = { 'live/app.mjs': `export default (_req, res) => res.end('ok')` }

/** What takes the place of the working folder. */
const replacements: Readonly<Record<string, (path: string) => void>> = {
  'a file': path => writeFileSync(path, ''),
  'a link loop': path => symlinkSync(path, path),
  nothing: () => undefined,
}

/** A small `/dev/shm`, as containers have it, that somebody has filled. */
const full = 'mount -t tmpfs -o size=4k tmpfs /dev/shm && head -c 4096 /dev/zero > /dev/shm/full && exec "$@"'

export const spawning: readonly Adversary[] = [
  ...Object.entries(replacements).map(
    ([name, replace]): Adversary => ({
      group: 'corpus',
      name: `finding 4: the working folder becomes ${name}`,
      async run(turn) {
        const server = await turn.start({
          args: ['-w2', '-b127.0.0.1:0', '--chdir=live', './app.mjs'],
          files: app,
        })
        if (server === undefined) return
        const live = join(server.folder, 'live')
        renameSync(live, `${live}.away`)
        replace(live)
        turn.did(`The folder is ${name}`)
        signal(server.workers[0] as number, 'SIGTERM')
        server.signal('SIGTTIN')
        await server.says(/could not be started|ENOTDIR|ELOOP|ENOENT|[Cc]annot/, 0, 5)
        await turn.serves(server)
        rmSync(live, { force: true })
        renameSync(`${live}.away`, live)
        turn.did('The folder is back')
        if (server.isAlive && !(await becomes(() => server.workers.length === 3, 45))) {
          turn.violated(`There are ${server.workers.length} workers instead of 3`)
        }
        await turn.examine(server, undefined, /./)
      },
    }),
  ),
  {
    group: 'corpus',
    name: 'finding 4: /dev/shm is full',
    async run(turn) {
      if (process.getuid?.() !== 0) return turn.skip('not root')
      const server = await turn.start({
        under: ['unshare', '-m', 'sh', '-c', full, 'sh'],
        args: ['-b127.0.0.1:0', './app.mjs'],
        files: { 'app.mjs': app['live/app.mjs'] },
      })
      if (server === undefined) return
      await turn.serves(server)
      await turn.examine(server, undefined)
    },
  },
]
