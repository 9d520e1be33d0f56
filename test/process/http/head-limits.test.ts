/** How large the head of a request may be, by default and by settings, and that nothing is dropped unsaid. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { exchange, statuses } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

const answer: RequestListener = (_req, res) => res.end('hello')

/** The same application, as a function and with a server of its own. */
const shapes = {
  'a function': `export default ${answer}`,
  'a server of its own': `import { createServer } from 'node:http'
    createServer(${answer}).listen(process.env.PORT)`,
}

function serve(...args: string[]): Tsicorn {
  return serveApp(shapes['a function'], ...args)
}

function serveApp(app: string, ...args: string[]): Tsicorn {
  return launch({ args: ['-b', '127.0.0.1:0', ...args, './app.mjs'], files: { 'app.mjs': app } })
}

const close = 'Host: test\r\nConnection: close\r\n'
const cookie = (length: number) => `GET / HTTP/1.1\r\n${close}Cookie: ${'c'.repeat(length)}\r\n\r\n`
const url = (length: number) => `GET /${'u'.repeat(length)} HTTP/1.1\r\n${close}\r\n`
const fields = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: ${n}\r\n`).join('')

const heads: Readonly<Record<string, string>> = {
  'a cookie of 9 kB': cookie(9_000),
  'a cookie of nearly 16 KiB': cookie(16_250),
  'a URL of 5 kB': url(5_000),
  'a URL of nearly 16 KiB': url(16_250),
  'four fields of 4 kB': `GET / HTTP/1.1\r\n${close}${`X: ${'x'.repeat(4_000)}\r\n`.repeat(4)}\r\n`,
  'a thousand fields': `GET / HTTP/1.1\r\n${close}${fields(998)}\r\n`,
}

describe('a head that Node takes by itself', () => {
  const plain = createServer(answer)
  before(async () => {
    await once(plain.listen(0, '127.0.0.1'), 'listening')
  })
  after(() => void plain.close())

  for (const [shape, app] of Object.entries(shapes)) {
    it(`is taken for ${shape}`, async () => {
      const here = await serveApp(app).running()
      const there = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`
      for (const [what, head] of Object.entries(heads)) {
        expect(statuses(await exchange(there, head)), `${what}, Node`).to.deep.equal([200])
        expect(statuses(await exchange(here, head)), what).to.deep.equal([200])
      }
    })
  }

  for (const [shape, app] of Object.entries(shapes)) {
    it(`is refused beyond that, and no field is dropped without a word, for ${shape}`, async () => {
      const server = serveApp(app)
      const here = await server.running()
      expect(statuses(await exchange(here, `GET / HTTP/1.1\r\n${close}${fields(999)}\r\n`))).to.deep.equal([
        431,
      ])
      await server.says(/with 431: more fields than limit_request_fields/)
    })
  }

  it('is refused with the figures of Gunicorn', async () => {
    const here = await serve(
      ...['--limit-request-line', '4094', '--limit-request-fields', '100'],
      ...['--limit-request-field_size', '8190'],
    ).running()
    expect(statuses(await exchange(here, cookie(9_000)))).to.deep.equal([431])
    expect(statuses(await exchange(here, url(5_000)))).to.deep.equal([414])
    expect(statuses(await exchange(here, `GET / HTTP/1.1\r\n${close}${fields(99)}\r\n`))).to.deep.equal([431])
  })
})

describe('the limits of a head', () => {
  it('are those of the settings', async () => {
    const server = serve(
      ...['--limit-request-line', '50', '--limit-request-fields', '3', '--limit-request-field_size', '40'],
    )
    const url = await server.running()
    const ask = async (path: string, fields = '') =>
      statuses(await exchange(url, `GET ${path} HTTP/1.1\r\n${close}${fields}\r\n`))
    expect(await ask('/')).to.deep.equal([200])
    expect(await ask(`/${'a'.repeat(40)}`)).to.deep.equal([414])
    expect(await ask('/', 'A: 1\r\n')).to.deep.equal([200])
    expect(await ask('/', 'A: 1\r\nB: 2\r\n')).to.deep.equal([431])
    expect(await ask('/', `A: ${'a'.repeat(40)}\r\n`)).to.deep.equal([431])
  })

  it('of small settings tell a long line from a long field', async () => {
    const url = await serve('--limit-request-fields', '3', '--limit-request-field_size', '100').running()
    const long = `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${close}\r\n`
    expect(statuses(await exchange(url, long))).to.deep.equal([414])
  })

  it('can be raised, up to a mebibyte', async () => {
    const server = serve(
      ...['--limit-request-line', '0', '--limit-request-fields', '0', '--limit-request-field_size', '200000'],
    )
    const url = await server.running()
    const fields = Array.from({ length: 2_000 }, (_, n) => `X-${n}: ${'x'.repeat(100)}\r\n`).join('')
    const whole = `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${close}${fields}X: ${'x'.repeat(100_000)}\r\n\r\n`
    expect(statuses(await exchange(url, whole))).to.deep.equal([200])
    // A little more than that: the rest of far more would not be waited for.
    const many = `X: ${'x'.repeat(150_000)}\r\n`.repeat(7)
    expect(statuses(await exchange(url, `GET / HTTP/1.1\r\n${close}${many}\r\n`))).to.deep.equal([431])
  })

  it('are 8190 bytes for a field where the setting is 0, as in Gunicorn', async () => {
    const url = await serve('--limit-request-field_size', '0').running()
    const ask = async (length: number) =>
      statuses(
        await exchange(url, `GET / HTTP/1.1\r\n${close}A: ${'a'.repeat(length - 'A: \r\n'.length)}\r\n\r\n`),
      )
    expect(await ask(8_190)).to.deep.equal([200])
    expect(await ask(8_191)).to.deep.equal([431])
  })
})
