/** Each example is served from its own folder, and `npm start` serves one of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { whyNoPython } from '../../support/python/launch.ts'
import { launch } from '../../support/tsicorn.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What each example answers. */
const answers: Readonly<Record<string, RegExp>> = {
  express: /^Hello from Express\n$/,
  fastify: /^Hello from Fastify\n$/,
  hello: /^Hello from worker \d+\n$/,
  hono: /^Hello from Hono\n$/,
  koa: /^Hello from Koa\n$/,
  python: /^Hello from Python \d+\n$/,
  listen: /^Hello from process \d+\n$/,
}

/** Programs in other languages: `npm run programs` serves them. */
const foreign = 'programs'

const examples = readdirSync(`${root}/examples`, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name)

describe('the examples', () => {
  for (const name of examples.filter(one => one !== foreign)) {
    it(`${name} is served from its own folder by its own configuration`, async function () {
      if (name === 'python' && whyNoPython !== undefined) this.skip()
      const env = { PYTHONDONTWRITEBYTECODE: '1' }
      const server = launch({ folder: `${root}/examples/${name}`, args: ['-b', '127.0.0.1:0'], env })
      const url = await server.running()
      expect(server.workers).to.have.length(2)
      const response = await fetch(url)
      expect(response.status).to.equal(200)
      expect(await response.text()).to.match(answers[name] ?? expect.fail(`no answer of ${name} is known`))
      expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    })
  }

  it('are listed in their README', () => {
    const readme = readFileSync(`${root}/examples/README.md`, 'utf8')
    const listed = Array.from(readme.matchAll(/^\| `(\w+)`/gm), ([, name]) => name)
    expect(listed).to.have.members(examples)
  })
})

describe('npm start', () => {
  it('serves the example of the root configuration', async () => {
    const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
      scripts: Record<string, string>
    }
    // What npm runs, with the Node.js that runs this test.
    const server = launch({
      folder: root,
      command: ['sh', '-c', `exec ${scripts.start} "$@"`, 'sh'],
      args: ['-b', '127.0.0.1:0'],
      env: { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
    })
    expect(await (await fetch(await server.running())).text()).to.match(answers.hello!)
  })

  it('listens on 127.0.0.1:8000 where nothing else is said', async () => {
    const server = launch({ folder: root, args: ['--print-config'] })
    expect((await server.ended).code).to.equal(0)
    expect(server.log).to.match(/^bind\s.*127\.0\.0\.1:8000/m)
    expect(server.log).to.match(/^app\s.*\.\/examples\/hello\/app\.ts/m)
  })
})
