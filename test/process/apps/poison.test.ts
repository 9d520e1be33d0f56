/** Requests that end their worker: the next one has to wait only where such workers never served anything. */
import { expect } from 'chai'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** `/poison` throws where nothing catches it, `/reject` rejects where nothing handles it; everything else is served. */
const app = `export default (req, res) => {
  if (req.url === '/poison') return setImmediate(() => { throw new Error('poisoned') })
  if (req.url === '/reject') return void Promise.reject(new Error('rejected'))
  res.end('served')
}`

function serve(args: readonly string[], text = app): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', ...args, './app.mjs'],
    files: { 'app.mjs': text },
    errors: true,
  })
}

async function answer(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

describe('a route that ends workers', () => {
  for (const route of ['/poison', '/reject']) {
    it(`(${route}) never lets a worker that served wait for its successor`, async () => {
      const server = serve(['-w', '1'])
      const url = await server.running()
      for (let death = 1; death <= 5; death += 1) {
        expect(await answer(url)).to.equal('served')
        await fetch(url + route).catch(() => undefined)
        await server.says(new RegExp(`Booting worker ${death + 1} `))
      }
      expect(await answer(url)).to.equal('served')
      expect(server.log).not.to.match(/in a row early exit/)
    })
  }

  it('costs a worker that never served the pause, and one that did ends it', async () => {
    const server = serve(['-w', '1'])
    const url = await server.running()
    for (const death of [1, 2]) {
      await fetch(`${url}/poison`).catch(() => undefined)
      await server.says(new RegExp(`Worker ${death} .* 0 requests served`))
    }
    await server.says(/2 workers in a row ended early: the next one starts in [\d.]+ s: .*poisoned/)
    expect(await answer(url)).to.equal('served')
    await fetch(`${url}/poison`).catch(() => undefined)
    await server.says(/Worker 3 .* 1 requests served/)
    await fetch(`${url}/poison`).catch(() => undefined)
    await server.says(/Worker 4 .* 0 requests served/)
    await server.says(/Booting worker 5/)
    expect(await answer(url)).to.equal('served')
    expect(server.log).not.to.match(/[345] workers in a row died/)
  })

  it('is no reason to start workers at once that answered nothing but the readiness path', async () => {
    const server = serve(['-w', '1', '--ready-path', '/ready'])
    const url = await server.running()
    for (const death of [1, 2]) {
      expect(await answer(`${url}/ready`)).to.equal('ready\n')
      await fetch(`${url}/poison`).catch(() => undefined)
      await server.says(new RegExp(`Worker ${death} .* 0 requests served`))
    }
    await server.says(/2 workers in a row ended early/)
  })

  it('while the first workers start costs no start', async () => {
    const server = serve(
      ['-w', '2'],
      `import { existsSync, writeFileSync } from 'node:fs'
      const isFirst = !existsSync('first')
      writeFileSync('first', '')
      while (!isFirst && !existsSync('go')) await new Promise(done => setTimeout(done, 20))
      ${app}`,
    )
    await server.says(/Listening at/)
    await eventually('the first one serves', async () => {
      return await answer(server.url).then(
        () => true,
        () => false,
      )
    })
    await fetch(`${server.url}/poison`).catch(() => undefined)
    await server.says(/Booting worker 3/)
    server.write('go', '')
    await server.running()
    expect(server.log).not.to.match(/in a row early exit/)
  })
})
