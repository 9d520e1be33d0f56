/** A link that is switched brings all of a new release, of a ConfigMap or of a certificate into service. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import { eventually, launch, makeFolder } from '../../support/tsicorn.ts'

type Files = Readonly<Record<string, string>>

/** Every part says which release it is of: configuration, what that imports, hook, app, what that imports. */
function release(number: number): Files {
  return {
    'package.json': '{ "type": "module" }',
    'tsicorn.config.ts': `
      import { part } from './part.ts'
      export default {
        app: './app.ts',
        bind: ['127.0.0.1:0'],
        workers: 1,
        raw_env: ['CONFIG=' + (${number} as number), 'PART=' + part],
        post_worker_init() { process.env.HOOK = '${number}-' + part },
      }`,
    'part.ts': `export const part: number = ${number}\n`,
    'own.ts': `export const own: number = ${number}\n`,
    'app.ts': `
      import { own } from './own.ts'
      const { env } = process
      export default (_req: unknown, res: { end(text: string): void }) =>
        res.end([env.CONFIG, env.PART, env.HOOK, ${number}, own].join(' '))`,
  }
}

const whole = (number: number) => `${number} ${number} ${number}-${number} ${number} ${number}`

/** Puts files in a new folder, leads the link there in one step, and removes the folder before. */
function deploy(link: string, folder: string, files: Files, before?: string): void {
  const parent = dirname(link)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(parent, folder, name)), { recursive: true })
    writeFileSync(join(parent, folder, name), text)
  }
  symlinkSync(folder, `${link}.new`)
  renameSync(`${link}.new`, link)
  if (before !== undefined) rmSync(join(parent, before), { recursive: true })
}

async function answer(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

const starts = {
  'is the folder that it was started in': { cwd: 'current', args: [] },
  'holds the configuration that was named': {
    cwd: '.',
    args: ['-c', 'current/tsicorn.config.ts', '--chdir', 'current'],
  },
}

/** A folder like that of a ConfigMap: its files are links through `..data`. */
function configMap(files: Files): string {
  const folder = makeFolder()
  deploy(join(folder, '..data'), '..2024_1', files)
  for (const name of Object.keys(files)) symlinkSync(`..data/${name}`, join(folder, name))
  return folder
}

const config = (number: number): Files => ({
  'tsicorn.config.mjs': `
    import { part } from './part.mjs'
    export default { app: './app.mjs', bind: ['127.0.0.1:0'], raw_env: ['CONFIG=${number}' + part] }`,
  'part.mjs': `export const part = ${number}\n`,
  'app.mjs': `export default (_req, res) => res.end(process.env.CONFIG + ${number})\n`,
})

describe('a symbolic link', function () {
  this.timeout(240_000)

  for (const [what, { cwd, args }] of Object.entries(starts)) {
    it(`to a release, which ${what}, brings all of the next one with HUP`, async () => {
      const top = makeFolder()
      const link = join(top, 'current')
      deploy(link, 'releases/1', release(1))
      const server = launch({ folder: join(top, cwd), args })
      const url = await server.running()
      expect(await answer(url)).to.equal(whole(1))
      for (const number of [2, 3]) {
        deploy(link, `releases/${number}`, release(number), `releases/${number - 1}`)
        await server.reload()
        expect(await answer(url)).to.equal(whole(number))
      }
      await server.stop()
      rmSync(top, { recursive: true })
    })
  }

  it('to the data of a ConfigMap brings all of the next one with HUP', async () => {
    const folder = configMap(config(1))
    const server = launch({ folder })
    const url = await server.running()
    expect(await answer(url)).to.equal('111')
    for (const number of [2, 3]) {
      deploy(join(folder, '..data'), `..2024_${number}`, config(number), `..2024_${number - 1}`)
      await server.reload()
      expect(await answer(url)).to.equal(String(number).repeat(3))
    }
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  it('to the data of a ConfigMap brings all of the next one by itself with --reload', async () => {
    const folder = configMap(config(1))
    const server = launch({ folder, args: ['--reload'] })
    const url = await server.running()
    await eventually('it watches', () => server.log.includes('Watching: '))
    for (const number of [2, 3]) {
      deploy(join(folder, '..data'), `..2024_${number}`, config(number), `..2024_${number - 1}`)
      await eventually(`${number} is served`, async () => (await answer(url)) === String(number).repeat(3))
    }
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  it('to a certificate brings the renewed one without HUP', async function () {
    if (!hasOpenssl) return this.skip()
    const authority = new Authority()
    const files = (name: string): Files => {
      const { cert, key } = authority.sign(name)
      return { 'cert.pem': cert, 'key.pem': key }
    }
    const folder = configMap(files('1'))
    writeFileSync(join(folder, 'app.mjs'), 'export default (_req, res) => res.end()\n')
    const tls = ['--certfile', 'cert.pem', '--keyfile', 'key.pem']
    const server = launch({ folder, args: ['-b', '127.0.0.1:0', ...tls, './app.mjs'] })
    await server.running()
    for (const number of [2, 3]) {
      deploy(join(folder, '..data'), `..2024_${number}`, files(`${number}`), `..2024_${number - 1}`)
      await server.says(/Certificate renewed: cert\.pem\n/)
    }
    await server.stop()
    authority.remove()
    rmSync(folder, { recursive: true })
  })
})
