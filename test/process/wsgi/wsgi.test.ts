/** WSGI applications: how they are named, and what they are told of a request. */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { exchange } from '../../support/http/raw.ts'
import { describeWithPython, launchModule, shareModule } from '../../support/python/launch.ts'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import { launch, makeFolder } from '../../support/tsicorn.ts'

const hello = (word: string) => `
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'${word}']
`

type Environ = Readonly<Record<string, string | boolean>>

async function environOf(url: string, path = '/environ', ...fields: string[]): Promise<Environ> {
  const head = [`GET ${path} HTTP/1.1`, 'Connection: close', ...fields]
  if (!fields.some(field => field.startsWith('Host:'))) head.push('Host: example.org')
  const answer = await exchange(url, `${head.join('\r\n')}\r\n\r\n`)
  return JSON.parse(answer.slice(answer.indexOf('{'))) as Environ
}

describeWithPython('a WSGI application', () => {
  const shared = shareModule('odd', ['--threads', '3', '--root-path', '/shop/'])

  it('is served by a process of its own in each worker', async () => {
    const server = launchModule('odd', ['-w', '2'])
    const url = await server.running()
    expect(await fresh(url)).to.equal('hello')
    const pids = new Set<string>()
    for (let n = 0; n < 60 && pids.size < 2; n += 1) pids.add(await fresh(`${url}/pid`))
    expect(pids.size).to.equal(2)
  })

  it('serves as many requests at a time as it has threads', async () => {
    const { url } = shared
    const threads = await Promise.all(Array.from({ length: 12 }, async () => await fresh(`${url}/thread`)))
    expect(new Set(threads).size).to.equal(3)
    expect((await environOf(url))['wsgi.multithread']).to.equal(true)
  })

  it('is told of a request what PEP 3333 says', async () => {
    const { url } = shared
    const fields = ['Host: shop.example:81', 'X-Twice: 1', 'x-twice: 2', 'Cookie: a=1', 'Cookie: b=2']
    const environ = await environOf(url, '/%65nviron?a=%20b&c#x', ...fields, 'Proxy: http://evil')
    const { port } = new URL(url)
    expect(environ).to.include({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/shop',
      PATH_INFO: '/environ',
      QUERY_STRING: 'a=%20b&c',
      RAW_URI: '/%65nviron?a=%20b&c#x',
      SERVER_PROTOCOL: 'HTTP/1.1',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: port,
      REMOTE_ADDR: '127.0.0.1',
      HTTP_HOST: 'shop.example:81',
      HTTP_X_TWICE: '1,2',
      HTTP_COOKIE: 'a=1; b=2',
      'wsgi.url_scheme': 'http',
      'wsgi.multithread': true,
      'wsgi.multiprocess': true,
      'wsgi.run_once': false,
      'wsgi.input_terminated': true,
    })
    expect(environ).not.to.have.any.keys('HTTP_PROXY', 'CONTENT_LENGTH', 'CONTENT_TYPE')
    const absolute = await environOf(url, 'http://other.example/environ?x', 'Host: other.example')
    expect(absolute).to.include({ PATH_INFO: '/environ', QUERY_STRING: 'x', HTTP_HOST: 'other.example' })
  })

  it('gets only headers that nobody can mistake for others', async () => {
    const server = launchModule('odd', ['--header-map', 'dangerous', '--forwarded-allow-ips', '192.0.2.1'])
    const url = await server.running()
    const fields = ['Content_Length: 7', 'Content_Type: evil', 'SCRIPT_NAME: /evil', 'X_Real: under']
    const environ = await environOf(url, '/environ', ...fields, 'X-Forwarded-Proto: https')
    expect(environ).to.include({ SCRIPT_NAME: '', HTTP_X_REAL: 'under', 'wsgi.url_scheme': 'http' })
    expect(environ).to.include({ HTTP_CONTENT_LENGTH: '7', HTTP_CONTENT_TYPE: 'evil' })
    expect(environ).not.to.have.any.keys('CONTENT_LENGTH', 'CONTENT_TYPE')
  })

  it('learns of a trusted proxy where it is mounted, and by which scheme', async () => {
    const { url } = shared
    expect(await environOf(url)).to.include({ SCRIPT_NAME: '/shop', PATH_INFO: '/environ' })
    const cut = await environOf(url, '/shop/environ')
    expect(cut).to.include({ SCRIPT_NAME: '/shop', PATH_INFO: '/environ', RAW_URI: '/shop/environ' })
    const proxied = await environOf(url, '/a/environ', 'SCRIPT_NAME: /a', 'X-Forwarded-Proto: https')
    expect(proxied).to.include({ SCRIPT_NAME: '/a', PATH_INFO: '/environ', 'wsgi.url_scheme': 'https' })
    expect(await environOf(url, '/environ', 'Connection: close')).to.include({ 'wsgi.url_scheme': 'http' })
  })

  it('gets a name and a port on a unix socket, too', async () => {
    const folder = makeFolder()
    const socket = join(folder, 'app.sock')
    const server = launchModule('odd', ['-b', `unix:${socket}`])
    await server.says(/Running: /)
    const environ = JSON.parse(await overUnixSocket(socket, '/environ')) as Environ
    expect(environ).to.include({ SERVER_NAME: 'localhost', SERVER_PORT: '80', REMOTE_ADDR: '' })
    rmSync(folder, { recursive: true })
  })

  it('may be a module of a package, an attribute, or a factory with literals', async () => {
    const files = {
      'pkg/__init__.py': '',
      'pkg/web.py': `
from extra import word
def create(name, count=1):
    def app(environ, start_response):
        start_response('200 OK', [])
        return [(name * count + word).encode()]
    return app
app = create('a')
`,
      'lib/extra.py': 'word = "!"\n',
    }
    const args = ['-b', '127.0.0.1:0', '-k', 'wsgi', '--pythonpath', 'lib']
    const plain = launch({ files, args: [...args, 'pkg.web:app'] })
    const called = launch({ files, args: [...args, 'pkg.web:create("b", count=3)'] })
    expect(await fresh(await plain.running())).to.equal('a!')
    expect(await fresh(await called.running())).to.equal('bbb!')
  })

  it('is recognised by its file, which the log says, with the cure', async () => {
    const server = launch({
      files: { 'app.py': hello('taken') },
      args: ['-b', '127.0.0.1:0', 'app:application'],
    })
    await server.says(/app:application is Python \(app\.py\): worker_class is wsgi; say so with -k wsgi/)
    expect(await fresh(await server.running())).to.equal('taken')
  })

  it('is not preferred to a file for Node', async () => {
    const files = { 'app.py': hello('python'), 'app.mjs': `export default (req, res) => res.end('node')` }
    const server = launch({ files, args: ['-b', '127.0.0.1:0', 'app'] })
    expect(await fresh(await server.running())).to.equal('node')
    const python = launch({ files, args: ['-b', '127.0.0.1:0', '-k', 'wsgi', 'app'] })
    expect(await fresh(await python.running())).to.equal('python')
  })

  it('gets what is configured: variables, folder, Python, keys of gunicorn.conf.py', async () => {
    const app = `
import os, sys
def application(environ, start_response):
    start_response('200 OK', [])
    return [f"{os.environ['A']} {os.path.basename(os.getcwd())} {sys.argv[1:]} {sys.path[0] == os.getcwd()}".encode()]
`
    const files = {
      'site/app.py': app,
      'tsicorn.config.ts': `export default {
        bind: '127.0.0.1:0', wsgi_app: 'app:application', worker_class: 'wsgi', workers: 1, threads: 2, chdir: 'site',
        raw_env: ['A=given'], timeout: 20, max_requests: 1000, accesslog: null, python: 'python3',
      }`,
    }
    expect(await fresh(await launch({ files }).running())).to.equal('given site [] True')
  })

  it('answers over HTTP/2 without TLS as well, with all its cookies', async () => {
    const { connect } = await import('node:http2')
    const server = launchModule('odd', ['--http2-cleartext', 'prior-knowledge'])
    const session = connect(await server.running())
    const stream = session.request({ ':path': '/environ', cookie: ['a=1', 'b=2'] })
    const [body] = await Promise.all([text(stream), once(stream, 'close')])
    expect(JSON.parse(body)).to.include({ SERVER_PROTOCOL: 'HTTP/2.0', HTTP_COOKIE: 'a=1; b=2' })
    expect(JSON.parse(body).HTTP_HOST).to.match(/^127\.0\.0\.1:\d+$/)
    const hop = session.request({ ':path': '/hop' })
    const [headers] = await once(hop, 'response')
    expect(headers['set-cookie']).to.deep.equal(['a=1', 'b=2'])
    hop.resume()
    const upload = session.request({ ':path': '/count', ':method': 'POST' })
    upload.end('x'.repeat(300_000))
    expect(await text(upload)).to.match(/^300000 None/)
    const small = session.request({ ':path': '/count', ':method': 'POST' })
    small.end('abc')
    expect(await text(small)).to.equal('3 3 None')
    session.close()
  })
})

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += chunk
  return all
}
