/** Findings 7 and 8: what root does in folders of others. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../../support/tsicorn.ts'
import type { Adversary, Turn } from '../turn.ts'

const nobody = 65_534
const app = `export default (_req, res) => res.end('ok')`

/** A folder in which the user of the workers may do what they like, beside one of root's. */
function prepare(
  turn: Turn,
): { readonly folder: string; readonly theirs: string; readonly ours: string } | undefined {
  if (process.getuid?.() !== 0) {
    turn.skip('not root')
    return undefined
  }
  const folder = makeFolder({ 'app.mjs': app })
  const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')]
  chmodSync(folder, 0o755)
  mkdirSync(theirs)
  chownSync(theirs, nobody, nobody)
  mkdirSync(ours, 0o700)
  return { folder, theirs, ours }
}

/** A link of theirs. */
function plant(target: string, path: string): void {
  symlinkSync(target, path)
  lchownSync(path, nobody, nobody)
}

const asNobody = ['--user=65534', '--group=65534', '-b127.0.0.1:0']

export const files: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 7: a file in the place of the unix socket',
    async run(turn) {
      const place = prepare(turn)
      if (place === undefined) return
      const socket = join(place.theirs, 'app.sock')
      const server = await turn.start({
        folder: place.folder,
        args: [...asNobody, `-bunix:${socket}`, './app.mjs'],
      })
      if (server === undefined) return
      rmSync(socket)
      writeFileSync(socket, 'secret', { mode: 0o600 })
      turn.did('A file of root in the place of the socket, HUP')
      await server.reloads(20)
      await turn.serves(server)
      if (statSync(socket, { throwIfNoEntry: false })?.uid === nobody)
        turn.violated('The file was given away')
      await turn.examine(server, undefined, /./)
      if (!existsSync(socket)) turn.violated('The file was deleted')
    },
  },
  {
    group: 'corpus',
    name: 'finding 8: an access log that is a dangling link',
    async run(turn) {
      const place = prepare(turn)
      if (place === undefined) return
      const target = join(place.ours, 'created')
      plant(target, join(place.theirs, 'access.log'))
      const server = turn.launch({
        folder: place.folder,
        args: [...asNobody, '--access-logfile=theirs/access.log', './app.mjs'],
      })
      turn.did('Start with a dangling link as the access log')
      await server.says(/Running: |[Cc]annot|[Ss]topped/)
      if (existsSync(target)) turn.violated('Root has created a file through a link of another user')
      await turn.stop(server)
    },
  },
  {
    group: 'corpus',
    name: 'finding 8: a link in the place of the draft of the pidfile',
    async run(turn) {
      const place = prepare(turn)
      if (place === undefined) return
      const target = join(place.ours, 'precious')
      writeFileSync(target, 'precious')
      const server = await turn.start({
        folder: place.folder,
        args: [...asNobody, '--pid=theirs/app.pid', './app.mjs'],
      })
      if (server === undefined) return
      const pidfile = join(place.theirs, 'app.pid')
      rmSync(pidfile)
      plant(target, `${pidfile}.${server.arbiter}.tmp`)
      turn.did('A link in the place of the draft, the pidfile removed, HUP')
      await turn.reload(server)
      if (readFileSync(target, 'utf8') !== 'precious')
        turn.violated('Root has written through a link of another user')
      await turn.serves(server)
      await turn.examine(server, undefined, /./)
    },
  },
]
