/** Apps of each shape are served by two workers, and stacks of those in TypeScript name lines of their source. */
import { expect } from 'chai'
import { eventually, launch, launchApp, type Tsicorn } from '../../support/tsicorn.ts'

/** What to serve from `test/apps/served`, what tsicorn should see in it, and the first word of its answers. */
const apps: readonly (readonly [spec: string, shape: string, word?: string])[] = [
  ['listener.ts', 'request listener'],
  ['listener.mjs', 'request listener'],
  ['listener.cjs', 'request listener'],
  ['express.ts', 'Express application'],
  ['express.cjs', 'Express application'],
  ['koa.ts', 'Koa application'],
  ['koa.cjs:app', 'Koa application'],
  ['fastify.ts', 'Fastify application'],
  ["fastify.mjs:build(name='factory')", 'Fastify application', 'factory'],
  ['hono.ts', 'fetch handler'],
  ['hono.cjs', 'fetch handler'],
  ['fetch-object.ts', 'fetch handler'],
  ['fetch-object.cjs', 'fetch handler'],
  ['fetch-function.ts', 'fetch handler'],
  ['fetch-function.mjs', 'fetch handler'],
  ['http-server.ts', 'http.Server'],
  ['http-server.cjs', 'http.Server'],
  ["factory.ts:create('positional')", 'request listener', 'positional'],
  ["factory.cjs:create('keyword', times=2)", 'request listener', 'keywordkeyword'],
  ["factory.ts:create('object', { times: 2 })", 'request listener', 'objectobject'],
  ['async-factory.ts', 'request listener'],
  ['named.ts:api', 'request listener'],
  ['listens.mjs', 'server that the app told to listen'],
  ['listens.cjs', 'server that the app told to listen'],
  ['listens-late.ts', 'server that the app told to listen'],
  ['express-listens.mjs', 'server that the app told to listen', 'express'],
]

describe('serving with two workers', () => {
  for (const [spec, shape, word = spec.replace(/\..*/, '')] of apps) {
    it(`a ${shape} from ${spec}`, async () => {
      const server = launchApp(`served/${spec}`, ['-w', '2', '--log-level', 'debug'])
      const url = await server.running()
      expect(server.log).to.contain(`The app is a ${shape}`)
      expect(server.workers).to.have.length(2)
      expect(await ask(url)).to.match(new RegExp(`^${word} \\d+ $`))
      expect(await ask(url, 'a body')).to.match(new RegExp(`^${word} \\d+ a body$`))
      await bothAnswer(server, url)
    })
  }
})

describe('TypeScript', () => {
  const answer = `(_req: unknown, res: { end(text: string): void }) => res.end`

  it('with enums, decorators and the paths of its tsconfig is served from its own folder', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', './source/app.ts'],
      files: {
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            experimentalDecorators: true,
            emitDecoratorMetadata: false,
            paths: { '#greeting/*': ['./source/greeting/*'] },
          },
        }),
        'source/greeting/words.ts': `export enum Words { Hello = 'hello' }\n`,
        'source/app.ts': `
          import { Words } from '#greeting/words'
          const seen: string[] = []
          function logged(target: object, name: string, _descriptor: PropertyDescriptor) {
            seen.push(target.constructor.name + '.' + name)
          }
          class App {
            constructor(private readonly words: Words) {}
            @logged
            say() { return [this.words, ...seen].join(' ') }
          }
          const app = new App(Words.Hello)
          export default ${answer}(app.say())`,
      },
    })
    const url = await server.running()
    expect(await ask(url)).to.equal('hello App.say')
    expect(server.workers).to.have.length(2)
  })

  it('uses the tsconfig of the app when tsicorn is started elsewhere', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './shop/app.ts'],
      files: {
        'shop/tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./*'] } } }),
        'shop/greeting.ts': `export const greeting: string = 'hello from the shop'\n`,
        'shop/app.ts': `import { greeting } from '@/greeting'\nexport default ${answer}(greeting)`,
      },
    })
    expect(await ask(await server.running())).to.equal('hello from the shop')
  })

  it('that throws on load names the line of its source', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.ts'],
      files: {
        'app.ts': [
          'interface Order { readonly id: number }',
          'enum Size { Small }',
          'const order: Order | undefined = undefined',
          `if (order === undefined) throw new Error('no order of size ' + Size.Small)`,
          `export default ${answer}('never')`,
        ].join('\n'),
      },
      errors: true,
    })
    expect((await server.ended).code).to.equal(3)
    expect(server.log).to.match(/no order of size 0[\s\S]*app\.ts:4:\d+/)
  })

  it('that was compiled to JavaScript names the line of its source as well', async () => {
    // Line 1 of the output stands for line 7, column 2 of the source.
    const map = { version: 3, file: 'app.js', sources: ['../source/app.ts'], names: [], mappings: 'AAME' }
    const server = launch({
      args: ['-b', '127.0.0.1:0', './dist/app.mjs'],
      files: {
        'dist/app.mjs': `throw new Error('no database')\n//# sourceMappingURL=app.mjs.map\n`,
        'dist/app.mjs.map': JSON.stringify(map),
      },
      errors: true,
    })
    expect((await server.ended).code).to.equal(3)
    expect(server.log).to.match(/no database[\s\S]*source\/app\.ts:7:\d+/)
  })

  it('that throws in a request names the line of its source', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.ts'],
      files: {
        'app.ts': [
          'interface Order { readonly id: number }',
          'export default (_req: unknown, _res: unknown) => {',
          '  const order = undefined as unknown as Order',
          '  setImmediate(() => order.id)',
          '}',
        ].join('\n'),
      },
      errors: true,
    })
    await fetch(await server.running()).catch(() => undefined)
    await server.says(/app\.ts:4:\d+/)
  })
})

async function ask(url: string, body?: string): Promise<string> {
  const headers = { connection: 'close', 'content-type': 'text/plain' }
  const response = await fetch(url, { headers, ...(body === undefined ? {} : { method: 'POST', body }) })
  expect(response.status).to.equal(200)
  return await response.text()
}

async function bothAnswer(server: Tsicorn, url: string): Promise<void> {
  const seen = new Set<number>()
  await eventually('both workers answered', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(url)))
    for (const answer of answers) seen.add(Number(answer.split(' ')[1]))
    return seen.size === 2
  })
  expect(server.workers).to.have.members([...seen])
}
