/** Finding 13: a release behind a symbolic link is served with its own configuration. */
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Adversary } from '../turn.ts'

/** Configuration and app of a release say its number. */
function release(folder: string, number: number, extension: string): Readonly<Record<string, string>> {
  const config = `export default { app: './app.mjs', bind: '127.0.0.1:0', workers: 1, raw_env: ['RELEASE=${number}'] }\n`
  return {
    [`${folder}/tsicorn.config.${extension}`]: config,
    [`${folder}/app.mjs`]: `export default (_req, res) => res.end('app ${number}, configuration ' + process.env.RELEASE)\n`,
  }
}

/** As Kubernetes lays out a ConfigMap. */
const links = 'cd conf && ln -s ..1 ..data && ln -s ..data/tsicorn.config.mjs ..data/app.mjs .'

export const releases: readonly Adversary[] = [
  ...['mjs', 'ts'].map(
    (extension): Adversary => ({
      group: 'corpus',
      name: `finding 13: a release by symbolic link (${extension})`,
      async run(turn) {
        const files = { ...release('releases/1', 1, extension), ...release('releases/2', 2, extension) }
        const server = turn.launch({
          files,
          under: ['sh', '-c', 'ln -s releases/1 current && exec "$@"', 'sh'],
          args: ['--chdir=current', '-c', `current/tsicorn.config.${extension}`],
        })
        if (!(await server.starts())) return turn.violated('The server did not start')
        symlinkSync('releases/2', join(server.folder, 'next'))
        renameSync(join(server.folder, 'next'), join(server.folder, 'current'))
        turn.did('The link leads to the next release')
        await turn.reload(server)
        const { text } = await server.ask('/')
        if (text !== 'app 2, configuration 2') turn.violated(`After the reload it is ${text}`)
        await turn.examine(server, undefined)
      },
    }),
  ),
  {
    group: 'corpus',
    name: 'finding 13: a ConfigMap is swapped',
    async run(turn) {
      const server = turn.launch({
        files: { ...release('conf/..1', 1, 'mjs'), ...release('conf/..2', 2, 'mjs') },
        under: ['sh', '-c', `(${links}) && exec "$@"`, 'sh'],
        args: ['--chdir=conf', '-c', 'conf/tsicorn.config.mjs'],
      })
      if (!(await server.starts())) return turn.violated('The server did not start')
      const conf = join(server.folder, 'conf')
      symlinkSync('..2', join(conf, '..next'))
      renameSync(join(conf, '..next'), join(conf, '..data'))
      rmSync(join(conf, '..1'), { recursive: true })
      turn.did('The folder behind ..data is another one, and the old one is gone')
      await turn.reload(server)
      const { text } = await server.ask('/')
      if (text !== 'app 2, configuration 2') turn.violated(`After the reload it is ${text}`)
      await turn.examine(server, undefined)
    },
  },
]
