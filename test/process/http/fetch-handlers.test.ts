/** Fetch handlers in a worker: when their Requests are light, and that all that modules have kept knows these Requests. */
import { once } from 'node:events'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { launch } from '../../support/tsicorn.ts'

/** Says whether the Request is light, and what a class and a `fetch` that were kept make of it. */
const handler = `
export default {
  async fetch(request) {
    if (request.url.endsWith('/fetched')) return new Response(request.method + ' ' + request.headers.get('x-a'))
    const isLight = Object.hasOwn(Object.getPrototypeOf(request), 'text')
    const seen = [isLight, request instanceof Kept]
    if (request.method === 'PUT') return Response.json([...seen, await Kept.prototype.text.call(request)])
    const own = new Own(request, { headers: { 'x-a': 'b' } })
    if (request.method === 'POST') return Response.json([...seen, own.headers.get('x-a'), await own.text()])
    const fetched = await keptFetch(new Kept(request.url + 'fetched', request))
    return Response.json([...seen, own instanceof Own, own.headers.get('x-a'), await fetched.text()])
  },
}`

const keeps = `
const Kept = Request
const { fetch: keptFetch } = globalThis
class Own extends Kept {}
`

async function ask(app: string, files: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { ...files, 'app.mjs': app } })
  const url = await server.running()
  const got = await (await fetch(url, { headers: { 'x-a': 'sent' } })).json()
  const posted = await (await fetch(url, { method: 'POST', body: 'a body' })).json()
  const put = await (await fetch(url, { method: 'PUT', body: 'another' })).json()
  return [got, posted, put]
}

const seen = (isLight: boolean) => [
  [isLight, true, true, 'b', 'GET sent'],
  [isLight, true, 'b', 'a body'],
  [isLight, true, 'another'],
]

describe('a fetch handler in a worker', () => {
  it("gets a Request of Node's if a module has kept the class", async () => {
    expect(await ask(keeps + handler)).to.deep.equal(seen(false))
  })

  it('gets a light one if modules could only keep what knows it', async () => {
    const app = `import { createServer } from 'node:http'\nimport './another.mjs'\n${keeps}${handler}`
    const files = { 'another.mjs': 'export class Another extends Request {}' }
    expect(await ask(app, files)).to.deep.equal(seen(true))
  })

  it('gets a light one if nothing was kept but fetch', async () => {
    const app = `
const keptFetch = fetch
export default {
  async fetch(request) {
    if (request.method === 'DELETE') return new Response('deleted')
    const isLight = Object.hasOwn(Object.getPrototypeOf(request), 'text')
    return Response.json([isLight, await (await keptFetch(request, { method: 'DELETE' })).text()])
  },
}`
    const answer = [true, 'deleted']
    expect(await ask(app)).to.deep.equal([answer, answer, answer])
  })

  it('gets one of the class that a module has put in the place of it', async () => {
    const app = `
import 'node:http'
globalThis.Request = class Own extends Request {}
const answer = request => [request instanceof Request, Object.hasOwn(Object.getPrototypeOf(request), 'text')]
export default { fetch: request => Response.json(answer(request)) }`
    const answer = [true, false]
    expect(await ask(app)).to.deep.equal([answer, answer, answer])
  })

  it('gets a light one from CommonJS', async () => {
    const app = `
const http = require('node:http')
module.exports = request => new Response(String(Object.hasOwn(Object.getPrototypeOf(request), 'text')))`
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.cjs'], files: { 'app.cjs': app } })
    expect(await (await fetch(await server.running())).text()).to.equal('true')
  })

  it('gets a light one from TypeScript', async () => {
    const app = `
enum Answer { Yes = 'yes' }
const answer = (request: Request) => Object.hasOwn(Object.getPrototypeOf(request), 'text') ? Answer.Yes : 'no'
export default { fetch: (request: Request) => new Response(answer(request)) }`
    const files = {
      'app.ts': app,
      'tsicorn.config.ts': `import 'node:http'\nexport default { post_fork() {} }`,
    }
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.ts'], files })
    expect(await (await fetch(await server.running())).text()).to.equal('yes')
  })

  it('gets a light one over HTTP/2', async () => {
    const app = `
export default {
  async fetch(request) {
    const isLight = Object.hasOwn(Object.getPrototypeOf(request), 'text')
    const names = [...request.headers.keys()].filter(name => name.startsWith(':'))
    const { url, method, headers } = request
    return Response.json([isLight, url, method, headers.get('X-A'), names, await request.json(), request.bodyUsed])
  },
}`
    const args = ['-b', '127.0.0.1:0', '--http2-cleartext', 'prior-knowledge', './app.mjs']
    const url = await launch({ args, files: { 'app.mjs': app } }).running()
    const session = connect(url)
    const stream = session.request({ ':path': '/x?y', ':method': 'POST', 'x-a': 'b' })
    stream.write('{"a":')
    stream.end('1}')
    const [{ ':status': status }] = await once(stream, 'response')
    const body: unknown = JSON.parse(await text(stream))
    session.close()
    expect(status).to.equal(200)
    expect(body).to.deep.equal([true, `${url}/x?y`, 'POST', 'b', [], { a: 1 }, true])
  })
})

describe('an app that is no fetch handler', () => {
  it('has the fetch of Node, which it alone loads', async () => {
    const app = `
const isLoaded = () => process.moduleLoadList.includes('NativeModule internal/deps/undici/undici')
module.exports = async (req, res) => {
  const before = isLoaded()
  const { name, length } = fetch
  if (req.url === '/') return res.end(JSON.stringify([before, name, length]))
  const error = await fetch('no url').catch(error => error)
  const url = 'http://' + req.headers.host
  const fetched = await (await fetch(new Request(url))).json()
  res.end(JSON.stringify([error.name, /dist|worker/.test(error.stack.split('app.cjs')[0]), fetched.slice(1), Request.name]))
}`
    const url = await launch({
      args: ['-b', '127.0.0.1:0', './app.cjs'],
      files: { 'app.cjs': app },
    }).running()
    const ask = async (path: string) => (await fetch(url + path)).json()
    expect(await ask('/')).to.deep.equal([false, 'fetch', 1])
    expect(await ask('/fetch')).to.deep.equal(['TypeError', false, ['fetch', 1], 'Request'])
  })
})
