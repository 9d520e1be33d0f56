/** `root_path`: where the application is mounted, for all kinds of workers. */
import { expect } from 'chai'
import { exchange } from '../../support/http/raw.ts'
import { fresh } from '../../support/requests.ts'
import { launch, launchText, type Tsicorn } from '../../support/tsicorn.ts'

const handler = `
export default (req, res) =>
  res.end(JSON.stringify([req.url, req.baseUrl, req.originalUrl, process.env.SCRIPT_NAME]))`

async function seen(url: string, path: string, ...headers: string[]): Promise<unknown> {
  const fields = headers.map(field => `${field}\r\n`).join('')
  const head = `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n${fields}\r\n`
  const [, body = ''] = (await exchange(url, head)).split('\r\n\r\n')
  return JSON.parse(body)
}

describe('root_path', () => {
  for (const kind of ['async', 'sync'])
    it(`is cut off the path, and shown to the app as by Express: ${kind}`, async () => {
      const server = launchText(handler, ['-k', kind, '--root-path', '/shop/', '--access-logfile', '-'])
      const url = await server.running()
      const all = async (path: string) => await seen(url, path)
      expect(await all('/shop/cart?n=1')).to.deep.equal(['/cart?n=1', '/shop', '/shop/cart?n=1', '/shop'])
      expect(await all('/shop')).to.deep.equal(['/', '/shop', '/shop', '/shop'])
      expect(await all('/shop?n=1')).to.deep.equal(['/?n=1', '/shop', '/shop?n=1', '/shop'])
      expect(await all('/cart')).to.deep.equal(['/cart', '/shop', '/cart', '/shop'])
      expect(await all('/shopping')).to.deep.equal(['/shopping', '/shop', '/shopping', '/shop'])
      await server.says(/"GET \/shop\/cart\?n=1 HTTP\/1\.1"/)
    })

  it('is what a trusted proxy says, and no other client', async () => {
    const told = async (server: Tsicorn) => await seen(await server.running(), '/a/cart', 'SCRIPT_NAME: /a/')
    const args = ['--root-path', '/shop', '--forwarded-allow-ips']
    expect(await told(launchText(handler, [...args, '127.0.0.1']))).to.deep.equal([
      ...['/cart', '/a', '/a/cart', '/shop'],
    ])
    for (const map of ['drop', 'dangerous'])
      expect(await told(launchText(handler, [...args, '10.0.0.1', '--header-map', map]))).to.deep.equal([
        ...['/a/cart', '/shop', '/a/cart', '/shop'],
      ])
  })

  it('changes nothing where it is not set, whatever variables there are', async () => {
    const named = launchText(handler, ['-e', 'SCRIPT_NAME=/shop'])
    expect(await seen(await named.running(), '/shop/x')).to.deep.equal(['/shop/x', null, null, '/shop'])
    const plain = launchText(handler, [], { env: { SCRIPT_NAME: undefined } })
    expect(await seen(await plain.running(), '/shop/x')).to.deep.equal(['/shop/x', null, null, null])
  })

  it('is right in routers of Express', async () => {
    const express = `
      import express from '${import.meta.resolve('express')}'
      const router = express.Router()
      router.get('/cart', (req, res) => res.send(req.baseUrl + ' ' + req.originalUrl + ' ' + req.url))
      export default express().use('/api', router)`
    const url = await launchText(express, ['--root-path', '/shop']).running()
    expect(await fresh(`${url}/shop/api/cart?a=1`)).to.equal('/shop/api /shop/api/cart?a=1 /cart?a=1')
  })

  it('holds for upgrades', async () => {
    const upgrading = `
      import { createServer } from 'node:http'
      const server = createServer()
      server.on('upgrade', (req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n' + req.url))
      export default server`
    const url = await launchText(upgrading, ['--root-path', '/shop']).running()
    const head = 'GET /shop/socket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
    expect(await exchange(url, head))
      .to.match(/\/socket$/)
      .and.not.to.contain('/shop')
  })

  it('is the variable SCRIPT_NAME of a program', async () => {
    const program = `
      require('node:http').createServer((req, res) => res.end(process.env.SCRIPT_NAME)).listen({ fd: 3 }, () => console.log('up'))
      process.on('SIGTERM', () => process.exit())`
    const args = ['-k', 'exec', '-b', '127.0.0.1:0', '--root-path', '/shop/', '--ready-line', 'up']
    const server = launch({
      args: [...args, '--', process.execPath, 'program.cjs'],
      files: { 'program.cjs': program },
    })
    expect(await fresh(await server.running())).to.equal('/shop')
  })

  it('has to begin with a slash', async () => {
    const server = launchText(handler, ['--root-path', 'shop'], { errors: true })
    expect(await server.ended).to.have.property('code', 2)
    expect(server.log).to.contain(
      'root_path must be a path that begins with a slash, such as /shop, not "shop"',
    )
  })
})
