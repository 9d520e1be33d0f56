/** Whose word counts for who the client is and how it speaks: fields and PROXY headers, trusted or not. */
import { expect } from 'chai'
import { exchange, first, open, rest, statuses } from '../../support/http/raw.ts'
import { type LaunchOptions, launch, launchShared, type Tsicorn } from '../../support/tsicorn.ts'

/** Says who the client is and how it speaks, as frameworks find out. */
const app = `
export default (req, res) => {
  const { remoteAddress, remotePort, remoteFamily, encrypted } = req.socket
  const scheme = encrypted ? 'https' : 'http'
  res.end(JSON.stringify({ remoteAddress, remotePort, remoteFamily, scheme, headers: req.headers, raw: req.rawHeaders }) + '\\n')
}`

interface Seen {
  readonly remoteAddress?: string
  readonly remotePort?: number
  readonly remoteFamily?: string
  readonly scheme: string
  readonly headers: Record<string, string>
  readonly raw: string[]
}

function options(...args: string[]): LaunchOptions {
  return { args: ['-b', '127.0.0.1:0', ...args, './app.mjs'], files: { 'app.mjs': app } }
}

/** A server that the test has for itself. */
function serve(...args: string[]): Tsicorn {
  return launch(options(...args))
}

/** The address of one that others ask as well. */
async function serving(...args: string[]): Promise<string> {
  return (await launchShared(options(...args))).url
}

function request(last: boolean, ...fields: string[]): string {
  const connection = last ? 'close' : 'keep-alive'
  return ['GET / HTTP/1.1', 'Host: test', `Connection: ${connection}`, ...fields, '', ''].join('\r\n')
}

/** What the application saw of each request. */
function seen(answers: string): Seen[] {
  return Array.from(answers.matchAll(/^\{.*\}$/gm), ([text]) => JSON.parse(text) as Seen)
}

describe('forwarded_allow_ips', () => {
  const schemes = (answers: string) => seen(answers).map(({ scheme }) => scheme)

  it('makes a trusted proxy say the scheme, of each request again', async () => {
    const url = await serving()
    const answers = await exchange(
      url,
      request(false, 'X-Forwarded-Proto: https'),
      request(false),
      request(false, 'X-Forwarded-Ssl: on', 'X-Forwarded-Protocol: ssl'),
      request(true, 'X-Forwarded-Proto: http'),
    )
    expect(schemes(answers)).to.deep.equal(['https', 'http', 'https', 'http'])
  })

  it('is what a fetch handler finds in the address of its request', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': `export default { fetch: request => new Response(request.url.split(':')[0]) }` },
    })
    const url = await server.running()
    const socket = await open(url)
    const ask = async (fields: string) => {
      socket.write(`GET / HTTP/1.1\r\nHost: test\r\n${fields}\r\n`)
      return (await first(socket)).split('\r\n\r\n')[1]
    }
    expect(await ask('X-Forwarded-Proto: https\r\n')).to.equal('https')
    expect(await ask('')).to.equal('http')
    expect(await ask('X-Forwarded-Proto: http\r\n')).to.equal('http')
    socket.destroy()
  })

  it('makes nobody else say it', async () => {
    const url = await serving('--forwarded-allow-ips', '10.0.0.0/8, 2001:db8::/32')
    const answers = await exchange(
      url,
      request(false, 'X-Forwarded-Proto: https'),
      request(true, 'X-Forwarded-Proto: https', 'X-Forwarded-Ssl: off'),
    )
    expect(schemes(answers)).to.deep.equal(['http', 'http'])
  })

  it('refuses what contradicts itself with 400', async () => {
    const url = await serving('--forwarded-allow-ips', '*')
    const fields = ['X-Forwarded-Proto: https', 'X-Forwarded-Ssl: off']
    expect(statuses(await exchange(url, request(true, ...fields)))).to.deep.equal([400])
  })

  it('knows the fields of secure_scheme_headers, and no others', async () => {
    const server = launch({
      files: {
        'app.mjs': app,
        'tsicorn.config.mjs': `export default { app: './app.mjs', bind: '127.0.0.1:0', secure_scheme_headers: { 'Front-End-Https': 'on' } }`,
      },
    })
    const answers = await exchange(
      await server.running(),
      request(false, 'Front-End-Https: on'),
      request(true, 'X-Forwarded-Proto: https'),
    )
    expect(schemes(answers)).to.deep.equal(['https', 'http'])
  })
})

describe('header_map', () => {
  const fields = ['X_A: 1', 'x_b: 2', 'Script_Name: /app', 'X-C: 3']
  const names = (answers: string) =>
    seen(answers)[0]!.raw.filter((name, n) => n % 2 === 0 && /_|X-C/.test(name))

  it('drops fields with an underscore, but for those that a trusted proxy may send', async () => {
    const answers = await exchange(await serving(), request(true, ...fields))
    expect(names(answers)).to.deep.equal(['Script_Name', 'X-C'])
    const { headers } = seen(answers)[0]!
    expect(Object.keys(headers).sort()).to.deep.equal(['connection', 'host', 'script_name', 'x-c'])
  })

  it('drops them all of a client that is not trusted', async () => {
    const url = await serving('--forwarded-allow-ips', '10.1.2.3')
    expect(names(await exchange(url, request(true, ...fields)))).to.deep.equal(['X-C'])
  })

  it('keeps what forwarder_headers names', async () => {
    const url = await serving('--forwarder-headers', 'x_a')
    expect(names(await exchange(url, request(true, ...fields)))).to.deep.equal(['X_A', 'X-C'])
  })

  it('refuses the request, or passes them on, as it is told', async () => {
    const refuse = await serving('--header-map', 'refuse')
    expect(statuses(await exchange(refuse, request(true, 'X_A: 1')))).to.deep.equal([400])
    expect(statuses(await exchange(refuse, request(true, 'SCRIPT_NAME: /a')))).to.deep.equal([200])
    const dangerous = await serving('--header-map', 'dangerous')
    expect(names(await exchange(dangerous, request(true, ...fields)))).to.have.length(4)
  })
})

const v1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n'
const v6 = 'PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n'

/** Version 2, with an extension behind the addresses. */
function v2(command: number, family: number, ...addresses: number[]): Buffer {
  const extension = [0x04, 0x00, 0x01, 0x00]
  const body = [...addresses, ...extension]
  return Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    Buffer.from([command, family, body.length >> 8, body.length & 255, ...body]),
  ])
}

const ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x67, 0, 80]
const ipv6 = [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 7, ...Array(16).fill(1), 0x12, 0x67, 0, 80]

describe('proxy_protocol', () => {
  const client = (answers: string) => {
    const [first] = seen(answers)
    return first && [first.remoteAddress, first.remotePort, first.remoteFamily]
  }

  it('tells the application and the log the client, for every request of a connection', async () => {
    const server = serve(
      '--proxy-protocol',
      'auto',
      '--access-logfile',
      '-',
      '--access-logformat',
      'from %(h)s.',
    )
    const answers = await exchange(await server.running(), v1, request(false), request(true))
    expect(seen(answers).map(({ remoteAddress }) => remoteAddress)).to.deep.equal(['192.0.2.7', '192.0.2.7'])
    await server.says(/from 192\.0\.2\.7\.\nfrom 192\.0\.2\.7\./)
  })

  const headers: readonly (readonly [what: string, header: string | Buffer, client: unknown[]])[] = [
    ['version 1 of IPv4', v1, ['192.0.2.7', 4711, 'IPv4']],
    ['version 1 of IPv6', v6, ['2001:db8::7', 4711, 'IPv6']],
    ['version 2 of IPv4', v2(0x21, 0x11, ...ipv4), ['192.0.2.7', 4711, 'IPv4']],
    ['version 2 of IPv6', v2(0x21, 0x21, ...ipv6), ['2001:db8::7', 4711, 'IPv6']],
  ]
  for (const [what, header, expected] of headers) {
    it(`reads ${what}, in one piece and byte by byte`, async () => {
      const url = await serving('--proxy-protocol', 'auto')
      expect(client(await exchange(url, header, request(true)))).to.deep.equal(expected)
      const socket = await open(url)
      for (const byte of Buffer.from(header as string, 'latin1')) {
        socket.write(Uint8Array.of(byte))
        await new Promise(resolve => setImmediate(resolve))
      }
      socket.write(request(true))
      expect(client(await rest(socket))).to.deep.equal(expected)
    })
  }

  const anonymous: readonly (readonly [what: string, header: string | Buffer])[] = [
    ['an unknown client', 'PROXY UNKNOWN\r\n'],
    ['an unknown client with more behind it', 'PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'],
    ['the proxy itself', v2(0x20, 0x00)],
    ['a family without addresses', v2(0x21, 0x00)],
    ['no header at all', ''],
  ]
  for (const [what, header] of anonymous) {
    it(`leaves the address as it is for ${what}`, async () => {
      const url = await serving('--proxy-protocol', 'auto')
      const pieces = header === '' ? [] : [header]
      expect(client(await exchange(url, ...pieces, request(true)))?.[0]).to.equal('127.0.0.1')
    })
  }

  const malformed: readonly (readonly [what: string, header: string | Buffer])[] = [
    ['an address that is none', 'PROXY TCP4 192.0.2 198.51.100.1 4711 80\r\n'],
    ['an address of the other family', 'PROXY TCP4 2001:db8::7 2001:db8::1 4711 80\r\n'],
    ['a port that is too large', 'PROXY TCP4 192.0.2.7 198.51.100.1 65536 80\r\n'],
    ['a port with a zero before it', 'PROXY TCP4 192.0.2.7 198.51.100.1 04711 80\r\n'],
    ['a field too few', 'PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n'],
    ['a field too many', 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 80 1\r\n'],
    ['an unknown family', 'PROXY UDP4 192.0.2.7 198.51.100.1 4711 80\r\n'],
    ['a line that is too long', `PROXY TCP4 ${'1'.repeat(200)}`],
    ['another version', v2(0x11, 0x11, ...ipv4)],
    ['an unknown command', v2(0x22, 0x11, ...ipv4)],
    ['a datagram', v2(0x21, 0x12, ...ipv4)],
    ['too few addresses', v2(0x21, 0x21, ...ipv4)],
  ]
  it('answers 400 to what is malformed', async () => {
    const url = await serving('--proxy-protocol', 'auto')
    for (const [what, header] of malformed) {
      expect(statuses(await exchange(url, header)), what).to.deep.equal([400])
    }
  })

  it('answers 403 to a proxy that is not in proxy_allow_ips, which may still do without', async () => {
    const url = await serving('--proxy-protocol', 'v1', '--proxy-allow-from', '10.0.0.1')
    expect(statuses(await exchange(url, v1, request(true)))).to.deep.equal([403])
    expect(statuses(await exchange(url, request(true)))).to.deep.equal([200])
  })

  it('is only read in the version that is asked for', async () => {
    const url = await serving('--proxy-protocol', 'v2')
    expect(statuses(await exchange(url, v1, request(true)))).to.deep.equal([400])
  })

  it('can be required', async () => {
    const url = await serving('--proxy-protocol', 'required')
    expect(statuses(await exchange(url, request(true)))).to.deep.equal([400])
    expect(client(await exchange(url, v1, request(true)))?.[0]).to.equal('192.0.2.7')
  })

  const listens = `import { createServer } from 'node:http'
${app.replace('export default', 'const answer =')}
const server = createServer(answer)`
  for (const [what, text] of Object.entries({
    'listens by itself': `${listens}.listen(process.env.PORT)`,
    'listens before it is loaded': `${listens}.listen(process.env.PORT)
      await new Promise(resolve => setTimeout(resolve, 300))`,
    'listens when it is loaded already': `${listens}
      setTimeout(() => server.listen(process.env.PORT), 50)`,
  })) {
    it(`can be required where the app ${what}`, async () => {
      const server = launch({
        args: ['-b', '127.0.0.1:0', '--proxy-protocol', 'required', './app.mjs'],
        files: { 'app.mjs': text },
      })
      const url = await server.running()
      expect(statuses(await exchange(url, request(true)))).to.deep.equal([400])
      const [first, second] = seen(await exchange(url, v1, request(false), request(true)))
      expect(first?.remoteAddress).to.equal('192.0.2.7')
      expect(second?.remoteAddress).to.equal('192.0.2.7')
    })
  }

  it('makes the client, and not the proxy, the one whose word about the scheme counts', async () => {
    const url = await serving('--proxy-protocol', 'required')
    const [first] = seen(await exchange(url, v1, request(true, 'X-Forwarded-Proto: https')))
    expect(first?.scheme).to.equal('http')
  })

  it('lets a balancer look whether somebody accepts', async () => {
    const server = serve('--proxy-protocol', 'required')
    const url = await server.running()
    const [quiet, cut] = [await open(url), await open(url)]
    expect(await rest(quiet.end())).to.equal('')
    cut.resetAndDestroy()
    expect(client(await exchange(url, v1, request(true)))?.[0]).to.equal('192.0.2.7')
    expect(server.log).not.to.match(/Refused|exited/)
  })

  it('has header_timeout to come', async () => {
    const server = serve('--proxy-protocol', 'required', '--header-timeout', '1')
    expect(statuses(await exchange(await server.running(), 'PROXY'))).to.deep.equal([408])
  })

  it('keeps a worker no longer that waits for one than an idle connection does', async () => {
    const server = serve('--proxy-protocol', 'required')
    const socket = await open(await server.running())
    expect((await server.stop()).code).to.equal(0)
    socket.destroy()
  })
})
