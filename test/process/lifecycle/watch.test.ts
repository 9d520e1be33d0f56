/** With `--reload`, a server follows its files, and survives mistakes in them until they are mended. */
import { expect } from 'chai'
import { answers, fresh } from '../../support/requests.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

const hello = (word: string) => `export default (_req, res) => res.end(${JSON.stringify(word)})\n`

describe('reload when files change', () => {
  it('serves the new code', async () => {
    const { server, url } = await watching({ 'src/app.ts': hello('old') })
    server.write('src/app.ts', hello('new'))
    await server.says(/Changed: src\/app\.ts\n/)
    await server.says(/Reload 1: generation 2 serves/)
    await answers(url, 'new')
  })

  it('serves on after a mistake in the new code is corrected', async () => {
    const { server, url } = await watching({ 'src/app.ts': hello('old') }, { errors: true })
    server.write('src/app.ts', 'export default (_req, res => res.end()\n')
    await server.says(/Reload 1 failed: the server shows the error until a change loads: .*src\/app\.ts/)
    server.write('src/app.ts', hello('new'))
    await server.says(/Reload 2: generation \d serves/)
    await answers(url, 'new')
  })

  it('cuts the old worker at once, so that an event stream holds up nothing', async () => {
    const stream = (word: string) => `export default (_req, res) => res.write(${JSON.stringify(word)})\n`
    const args = ['--reload', '--graceful-timeout', '600', '-b', '127.0.0.1:0', './src/app.ts']
    const { server, url } = await watching({ 'src/app.ts': stream('one') }, { args })
    for (const [place, word] of ['two', 'three', 'four'].entries()) {
      const before = await fetch(url)
      server.write('src/app.ts', stream(word))
      await server.says(new RegExp(`Reload ${place + 1}: generation ${place + 2} serves`))
      await before.text().then(
        () => expect.fail('the stream was not cut'),
        (error: Error) => expect(error.message).to.equal('terminated'),
      )
    }
    await eventually('only the newest worker lives', () => server.workers.length === 1)
    expect(server.log).not.to.match(/graceful_timeout/)
  })

  it('waits for the mend where the first start fails, and serves then', async () => {
    const server = launch({
      args: ['--reload', '-w', '2', '-b', '127.0.0.1:0', './src/app.ts'],
      files: { 'src/app.ts': 'export default (_req, res => res.end()\n' },
      errors: true,
    })
    await server.says(/Cannot start: .*src\/app\.ts[\s\S]*Waiting for a change/)
    await eventually('it watches', () => server.log.includes('Watching: '))
    server.write('src/app.ts', `throw new Error('not yet')\n`)
    await server.says(/Changed: src\/app\.ts\n[\s\S]*Cannot start: .*not yet[\s\S]*Waiting for a change/)
    server.write('tsicorn.config.mjs', 'export default { wrokers: 2 }')
    server.signal('SIGHUP')
    await server.says(/Cannot start: .*wrokers is not a setting[\s\S]*Waiting for a change/)
    server.write('tsicorn.config.mjs', 'export default { workers: 2 }')
    server.write('src/app.ts', hello('mended'))
    expect(await fresh(await server.running())).to.equal('mended')
    server.write('src/app.ts', hello('changed'))
    await server.says(/Reload \d+: generation \d+ serves/)
    await answers(server.url, 'changed')
  })

  it('ends at once while it waits for the mend', async () => {
    const server = launch({
      args: ['--reload', '-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': 'throw new Error()' },
      errors: true,
    })
    await server.says(/Waiting for a change/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('follows the configuration, also after a mistake in it', async () => {
    const config = (workers: string) =>
      `export default { app: './src/app.ts', bind: ['127.0.0.1:0'], reload: true, workers: ${workers} }\n`
    const { server } = await watching(
      { 'src/app.ts': hello('hello'), 'tsicorn.config.ts': config('1') },
      { args: [], errors: true },
    )
    server.write('tsicorn.config.ts', config('two'))
    await server.says(/Reload 1 failed: the server shows the error until a change loads: .*\n/)
    server.write('tsicorn.config.ts', config('2'))
    await server.says(/Reload 2: generation 3 serves \(2 workers/)
    await eventually('only the new workers live', () => server.workers.length === 2)
  })

  it('begins to watch what a reload adds, and ends when a reload says so', async () => {
    const config = (rest: string) =>
      `export default { app: './src/app.ts', bind: ['127.0.0.1:0'], ${rest} }\n`
    const server = launch({
      files: { 'src/app.ts': hello('hello'), 'tsicorn.config.mjs': config('reload: false') },
    })
    await server.running()
    server.write('tsicorn.config.mjs', config(`reload: true, reload_extra_files: ['views/*.html']`))
    await server.reload()
    await eventually('it watches', () => server.log.includes('Watching: '))
    server.write('views/index.html', '<h1>hello</h1>')
    await server.says(/Changed: views\/index\.html\n/)
    await server.says(/Reload 2: generation 3 serves/)
    server.write('tsicorn.config.mjs', config('reload: false'))
    await server.says(/Reload 3: generation 4 serves/)
    server.write('src/app.ts', hello('unseen'))
    await server.reload(/Reload 4: generation 5 serves/)
    expect(server.log.match(/Changed: /g)).to.have.length(2)
  })

  it('serves on where a file cannot be watched, and says so', async () => {
    const server = launch({
      args: ['--reload', '--reload-extra-file', 'x'.repeat(300), '-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': hello('hello') },
      errors: true,
    })
    const url = await server.running()
    await eventually('it says so', () => /Cannot watch for reload: ENAMETOOLONG/.test(server.log))
    expect(await fresh(url)).to.equal('hello')
    await server.reload(/Reload 1: generation 2 serves/)
    expect((await server.stop()).code).to.equal(0)
  })

  it('watches nothing without --reload', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': hello('hello') } })
    await server.running()
    await server.stop()
    expect(server.log).not.to.match(/Watching/)
  })

  it('stops as fast as without it', async () => {
    const { server } = await watching({ 'src/app.ts': hello('hello') })
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })
})

async function watching(
  files: Readonly<Record<string, string>>,
  options: { readonly args?: readonly string[]; readonly errors?: boolean } = {},
): Promise<{ readonly server: Tsicorn; readonly url: string }> {
  const args = ['--reload', '-b', '127.0.0.1:0', './src/app.ts']
  const server = launch({ args, ...options, files })
  const url = await server.running()
  // It may have said so before, or not yet: the watch and the first worker start together.
  await eventually('it watches', () => server.log.includes('Watching: '))
  return { server, url }
}
