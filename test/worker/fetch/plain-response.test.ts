/** The Response that takes the place of Node's own looks the same, whatever it is made of, errors included. */
import { inspect } from 'node:util'
import { expect } from 'chai'
import { plainResponse, usePlainResponses } from '../../../worker/fetch/plain-response.ts'

describe('a plain Response', () => {
  const Native = globalThis.Response

  before(() => usePlainResponses())
  after(() =>
    Object.defineProperty(globalThis, 'Response', { value: Native, writable: true, configurable: true }),
  )

  type Arguments = ConstructorParameters<typeof Response>

  const bytes = new Uint8Array([1, 2, 255])
  const bodies: readonly Arguments[0][] = [
    undefined,
    null,
    '',
    'grüße \ud800',
    bytes,
    new Blob(['b'], { type: 'x/y' }),
    new URLSearchParams({ a: 'b' }),
    bytes.buffer,
  ]
  const inits: readonly (ResponseInit | undefined)[] = [
    undefined,
    {},
    { status: 201 },
    { status: 204 },
    { status: 304, headers: { etag: '"1"' } },
    { status: 200, statusText: 'Fine' },
    { headers: { 'Content-Type': 'a/b', 'X-Y': 'z' } },
    { headers: { a: ' spaced ' } },
    {
      headers: [
        ['a', 'b'],
        ['A', 'c'],
        ['set-cookie', 'd=1'],
        ['set-cookie', 'e=2'],
      ],
    },
    {
      headers: new Headers([
        ['set-cookie', 'd=1'],
        ['set-cookie', 'e=2'],
      ]),
    },
    { headers: { 'bad name': 'x' } },
    { headers: { a: 'b\nc' } },
    { headers: { a: 'b', A: 'c' } },
    { headers: { a: 5 as never } },
    { status: 99 },
    { status: 600 },
    { status: 200.5 },
  ]

  /** All that can be seen of it, or the kind of error. */
  async function seen(make: () => Response) {
    try {
      const made = make()
      const { status, ok, statusText, type, url, redirected, bodyUsed } = made
      const parts = { status, ok, statusText, type, url, redirected, bodyUsed, headers: [...made.headers] }
      const copy = Buffer.from(await made.clone().arrayBuffer()).toString('hex')
      return {
        ...parts,
        copy,
        body: Buffer.from(await made.arrayBuffer()).toString('hex'),
        used: made.bodyUsed,
      }
    } catch (error) {
      return (error as Error).name
    }
  }

  it("looks like one of Node's, whatever it is made of", async () => {
    for (const body of bodies) {
      for (const init of inits) {
        const found = await seen(() => new Response(body, init))
        const what = `${inspect(body)} ${inspect(init)}`
        expect(found, what).to.deep.equal(await seen(() => new Native(body, init)))
      }
    }
  })

  it('is made of JSON, too', async () => {
    for (const data of [{ a: [1] }, 'text', null, undefined, () => 1]) {
      for (const init of inits) {
        const found = await seen(() => Response.json(data, init))
        expect(found, `${inspect(data)} ${inspect(init)}`).to.deep.equal(
          await seen(() => Native.json(data, init)),
        )
      }
    }
  })

  it('is sent as it is, with the headers as they are then', () => {
    const made = new Response('text', { status: 201, headers: { 'X-A': 'b' } })
    expect(plainResponse(made)).to.deep.equal({
      status: 201,
      statusText: '',
      headers: ['x-a', 'b', 'content-type', 'text/plain;charset=UTF-8'],
      body: 'text',
    })
    made.headers.set('x-a', 'c')
    made.headers.append('set-cookie', 'd=1')
    expect(plainResponse(made)?.headers.join()).to.equal(
      'content-type,text/plain;charset=UTF-8,set-cookie,d=1,x-a,c',
    )
  })

  it('does not change with what it was made of', async () => {
    const [headers, body] = [new Headers({ a: 'b' }), new Uint8Array([1])]
    const made = new Response(body, { headers })
    headers.set('a', 'c')
    body[0] = 2
    expect(made.headers.get('a')).to.equal('b')
    expect([...new Uint8Array(await made.arrayBuffer())]).to.deep.equal([1])
  })

  it('has the same headers before and after its body is asked for', async () => {
    const made = new Response('text')
    const { headers } = made
    headers.set('a', 'b')
    expect(await made.clone().text()).to.equal('text')
    headers.set('a', 'c')
    expect(made.headers).to.equal(headers)
    expect(made.clone().headers.get('a')).to.equal('c')
    expect(plainResponse(made), "it is one of Node's now").to.equal(undefined)
  })

  it('is a Response for everybody', async () => {
    class Special extends Response {
      get special() {
        return this.status
      }
    }
    const native = new Native('n')
    const special = new Special('s', { status: 202 })
    for (const made of [new Response('p'), Response.json({}), native, special, Response.error()]) {
      expect(made instanceof Response).to.equal(true)
      expect(made instanceof Native).to.equal(true)
    }
    expect([special.special, special instanceof Special, await special.text()]).to.deep.equal([
      202,
      true,
      's',
    ])
    expect(Object.prototype.toString.call(new Response('p'))).to.equal('[object Response]')
    expect(inspect(new Response('p'))).to.match(/^Response \{/)
    expect(Response.redirect('http://a/').status).to.equal(302)
    expect(Response.name).to.equal('Response')
    for (const made of [new Response('p'), native]) expect(made.constructor).to.equal(Response)
  })

  it('leaves alone a Response that the app has put there', () => {
    const ours = globalThis.Response
    class Other extends Native {}
    globalThis.Response = Other
    usePlainResponses()
    expect(globalThis.Response).to.equal(Other)
    globalThis.Response = ours
  })
})
