/** The commands of the README work as they are shown. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { whyNoPython } from '../support/python/launch.ts'
import { filesIn } from '../support/readme-files.ts'
import { launch, makeFolder, type Tsicorn } from '../support/tsicorn.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

const { bin: bins, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly bin: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

describe('README.md', function () {
  this.timeout(240_000)
  let folder: string

  before(() => {
    folder = makeFolder(filesIn(readme))
    mkdirSync(join(folder, 'node_modules/.bin'))
    for (const [bin, file] of Object.entries(bins))
      symlinkSync(join(root, file), join(folder, 'node_modules/.bin', bin))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('shows an application, a configuration, and commands that use them', () => {
    expect(Object.keys(filesIn(readme))).to.deep.equal(['app.mjs', 'tsicorn.config.mts', 'hello.py'])
    expect(commandsIn(readme)).to.include.members(['npx tsicorn -w 4 ./app.mjs', 'npx tsicorn'])
    expect(commandsIn(readme)).to.include('npx tsicorn --check-config')
  })

  for (const command of commandsIn(readme).filter(command => /^npx tsicornc /.test(command))) {
    it(`${command} finds the server and does what it says`, async () => {
      const server = launch({ ...local(['tsicorn']), folder, env: elsewhere })
      await server.running()
      const args = command.split(' ').slice(1)
      const said = () => run('npx', args, folder)
      expect(attempt(said, () => run('npx', [...args, '--pid', `${server.pid}`], folder))).to.match(/\w/)
    })
  }

  for (const command of commandsIn(readme).filter(command => !/^npx tsicornc /.test(command))) {
    const args = command.split(' ').slice(1)
    if (args.some(arg => /^--(?:check|print)-config$/.test(arg))) {
      it(`${command} finds nothing wrong`, () => {
        run('npx', args, folder)
      })
    } else {
      it(`${command} serves the application`, async function () {
        if (args.includes('wsgi') && whyNoPython !== undefined) this.skip()
        // Flags have the last word, so these do not replace what the command itself says.
        const server = launch({ ...local(args), folder, env: elsewhere })
        expect(await answer(server)).to.match(/^Hello from process \d+\n$/)
        const workers = Number(/-w (\d+)/.exec(command)?.[1] ?? server.log.match(/Booting worker/g)?.length)
        expect(server.log).to.match(new RegExp(`Running: ${workers} workers? ready`))
      })
    }
  }

  it('shows a configuration whose hook says where the workers serve', async () => {
    const server = launch({ ...local(['tsicorn']), folder, env: elsewhere })
    await server.says(/\d+ workers serve http:\S+ and unix:\S+\n/)
  })

  it('names the address that npm start serves in a clone', async () => {
    const { settings } = JSON.parse(
      run(process.execPath, ['daemon/tsicorn.js', '--print-config', '--json'], root),
    ) as { settings: { bind: { value: readonly string[] } } }
    expect(settings.bind.value.map(address => `http://${address}`)).to.deep.equal([
      /npm start +# .*(http:\S+)/.exec(readme)?.[1],
    ])
    const command = `exec ${scripts.start} -b 127.0.0.1:0`
    const server = launch({ command: ['/bin/sh', '-c', command], folder: root, env: path() })
    expect(await answer(server)).to.match(/./)
  })
})

/** The address and the file that a reader would have to change on a machine like this one. */
const elsewhere = {
  TSICORN_CMD_ARGS: '-b 127.0.0.1:0 -b unix:hello.sock --access-logfile access.log',
}

/** All that is to be typed in the folder of an application, in blocks and in sentences. */
function commandsIn(text: string): string[] {
  const [blocks, sentences] = [
    Array.from(text.matchAll(/```sh\n([\s\S]*?)```/g), ([, block]) => (block as string).split('\n')).flat(),
    Array.from(text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`([^`]+)`/g), ([, code]) => code as string),
  ]
  return [...new Set([...blocks, ...sentences].filter(line => line.startsWith('npx tsicorn')))]
}

/**
 * What `npx` finds in the project, without npx between: a signal that is sent to npx alone does not reach the server.
 */
function local([name, ...args]: readonly string[]) {
  return { command: [process.execPath, `node_modules/.bin/${name}`] as const, args }
}

/** `npx` and npm's scripts start the Node.js that comes first. */
function path() {
  return { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, npm_config_offline: 'true' }
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { PORT: _, TSICORN_CMD_ARGS: __, ...env } = process.env
  return execFileSync(program, args, {
    cwd,
    // Nor are servers in a home folder found that others of this user have.
    env: { ...env, HOME: cwd, PWD: cwd, ...path() },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/**
 * The first, or the second where the first finds more servers than one. Those of this process are in a folder of their
 * own, but all others of root are in `/run/tsicorn`.
 */
function attempt(alone: () => string, besideOthers: () => string): string {
  try {
    return alone()
  } catch (error) {
    if (!/There are \d+ servers/.test(String((error as { stderr?: string }).stderr))) throw error
    return besideOthers()
  }
}

async function answer(server: Tsicorn): Promise<string> {
  const url = await server.running()
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}
