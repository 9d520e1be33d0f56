/** Behind a real HAProxy or nginx, the app sees what the proxy tells of the client, and reloads lose no request. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { eventually, freePort, launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `
export default (req, res) => {
  const { remoteAddress, remotePort, encrypted } = req.socket
  res.end(JSON.stringify({ remoteAddress, remotePort, scheme: encrypted ? 'https' : 'http', protocol: req.httpVersion }))
}`

interface Seen {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly scheme: string
}

const proxies: ChildProcess[] = []

function isMissing(program: string): boolean {
  return spawnSync(program, ['-v']).error !== undefined
}

async function startProxy(port: number, program: string, ...args: string[]): Promise<void> {
  const proxy = spawn(program, args, { stdio: 'ignore' })
  proxies.push(proxy)
  await eventually(`${program} listens`, () => answers(`http://127.0.0.1:${port}`))
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url, { headers: { connection: 'close' } }).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** What the application sees of a request with curl, and the port that curl sent it from. */
async function ask(port: number): Promise<{ readonly seen: Seen; readonly localPort: number }> {
  const url = `http://127.0.0.1:${port}/`
  const { stdout } = await promisify(execFile)('curl', ['-s', '-w', '\n%{local_port}', url])
  const [text = '', localPort] = stdout.split('\n')
  return { seen: JSON.parse(text) as Seen, localPort: Number(localPort) }
}

/** Reloads under load: whatever the proxy does with its connections, no client may notice. */
async function reloads(server: Tsicorn, port: number): Promise<void> {
  const load = new Load({ url: `http://127.0.0.1:${port}/`, clients: 4, keepAlive: true })
  for (let round = 0; round < 3; round += 1) {
    await load.answered(50)
    await server.reload()
  }
  await load.answered(50)
  expect((await load.stop()).failures).to.deep.equal([])
}

describe('behind HAProxy (where it is installed)', () => {
  before(function () {
    if (isMissing('haproxy') || isMissing('curl')) this.skip()
  })
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.kill('SIGTERM')
  })

  for (const option of ['send-proxy', 'send-proxy-v2']) {
    it(`with ${option} the application sees the client, and reloads cost nothing`, async () => {
      const [backend, port] = [await freePort(), await freePort()]
      const server = launch({
        args: ['-b', `127.0.0.1:${backend}`, '-w', '2', '--proxy-protocol', 'required', './app.mjs'],
        files: {
          'app.mjs': app,
          'haproxy.cfg': `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${port}
  default_backend tsicorn
backend tsicorn
  retry-on conn-failure empty-response
  http-request set-header X-Forwarded-Proto https
  server one 127.0.0.1:${backend} ${option}
`,
        },
      })
      await server.running()
      await startProxy(port, 'haproxy', '-db', '-f', join(server.folder, 'haproxy.cfg'))
      const { seen, localPort } = await ask(port)
      expect(seen).to.include({ remoteAddress: '127.0.0.1', remotePort: localPort })
      await reloads(server, port)
    }).timeout(240_000)
  }
})

describe('behind nginx (where it is installed)', () => {
  before(function () {
    if (isMissing('nginx') || isMissing('curl')) this.skip()
  })
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.kill('SIGTERM')
  })

  it('the application sees the scheme that nginx tells, and reloads cost nothing', async () => {
    const [backend, port] = [await freePort(), await freePort()]
    const server = launch({
      args: ['-b', `127.0.0.1:${backend}`, '-w', '2', './app.mjs'],
      files: {
        'app.mjs': app,
        'nginx.conf': `
daemon off;
pid nginx.pid;
error_log nginx.log;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream tsicorn { server 127.0.0.1:${backend} fail_timeout=0; keepalive 8; keepalive_timeout 60s; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://tsicorn;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-Proto https;
      proxy_next_upstream error timeout;
    }
  }
}`,
      },
    })
    await server.running()
    await startProxy(port, 'nginx', '-p', server.folder, '-c', join(server.folder, 'nginx.conf'))
    expect((await ask(port)).seen.scheme).to.equal('https')
    await reloads(server, port)
  }).timeout(240_000)
})
