/** Requests get an id, or keep that of a trusted peer, and it is the same for app, client and log. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { expect } from 'chai'
import { type LaunchOptions, launch, launchShared, type Tsicorn } from '../../support/tsicorn.ts'

const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

const echo = `export default (req, res) => res.end(JSON.stringify([req.headers['x-request-id'],
  req.rawHeaders.filter((_, i) => req.rawHeaders[i - 1]?.toLowerCase() === 'x-request-id')]))`

function naming(format = 'json', app = echo): LaunchOptions {
  return {
    args: ['-b', '127.0.0.1:0', '--access-logfile', 'access.log', '--access-logformat', format].concat(
      ['--request-id-header', 'X-Request-Id'],
      './app.mjs',
    ),
    files: { 'app.mjs': app },
  }
}

function launchNaming(format?: string, app?: string): Tsicorn {
  return launch(naming(format, app))
}

function logOf(server: Tsicorn): string {
  return readFileSync(`${server.folder}/access.log`, 'utf8')
}

interface Named {
  readonly body: string
  /** What the client finds in the response. */
  readonly id: string | undefined
}

/** Asks with these ids: `fetch` would refuse some of them. */
async function ask(url: string, ...ids: readonly string[]): Promise<Named> {
  return await new Promise((resolve, reject) => {
    const headers = { 'X-Request-Id': [...ids] }
    request(url, { ...(ids.length === 0 ? {} : { headers }), agent: false }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.once('end', () =>
        resolve({ body, id: response.headers['x-request-id'] as string | undefined }),
      )
    })
      .once('error', reject)
      .end()
  })
}

describe('request_id_header', () => {
  it('is off by default: nothing is added to requests and responses', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': echo } })
    expect(await ask(await server.running())).to.deep.equal({ body: '[null,[]]', id: undefined })
  })

  it('names a request that has no name, in the request, in the response and in the log', async () => {
    const server = launchNaming()
    const { body, id } = await ask(await server.running())
    expect(id).to.match(uuid)
    expect(JSON.parse(body)).to.deep.equal([id, [id]])
    await server.stop()
    expect(JSON.parse(logOf(server))).to.include({ request_id: id })
  })

  it('keeps the name that a trusted peer gave, and logs it by the atom too', async () => {
    const server = launchNaming('%({x-request-id}i)s')
    const { body, id } = await ask(await server.running(), 'from-the-proxy/1')
    expect(id).to.equal('from-the-proxy/1')
    expect(JSON.parse(body)).to.deep.equal([id, [id]])
    await server.stop()
    expect(logOf(server)).to.equal('from-the-proxy/1\n')
  })

  const strange: Readonly<Record<string, readonly string[]>> = {
    'is too long': ['x'.repeat(129)],
    'has a space in it': ['a b'],
    'has a byte beyond ASCII': ['\u00e9'],
    'is empty': [''],
    'was given twice': ['one', 'two'],
  }
  for (const [what, ids] of Object.entries(strange)) {
    it(`replaces a name that ${what}`, async () => {
      const { url } = await launchShared(naming())
      const { body, id } = await ask(url, ...ids)
      expect(id).to.match(uuid)
      expect(JSON.parse(body)).to.deep.equal([id, [id]])
    })
  }

  it('reaches a fetch handler', async () => {
    const app = `export default { fetch: request => new Response(request.headers.get('x-request-id')) }`
    const server = launchNaming('json', app)
    const { body, id } = await ask(await server.running(), 'a b')
    expect(body).to.equal(id).and.match(uuid)
  })

  it('refuses what cannot be the name of a header', async () => {
    const server = launch({ args: ['--request-id-header', 'X Id', './app.mjs'] })
    expect((await server.ended).code).to.equal(2)
    expect(server.log).to.equal(
      '--request-id-header: request_id_header must be the name of a header, such as X-Request-Id and none that HTTP itself uses, or null, not "X Id"\n',
    )
  })
})
