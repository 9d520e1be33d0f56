/** A real server is sent the corpus of requests, whole and byte by byte, and answers each as a strict one does. */
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { launch } from '../../support/tsicorn.ts'
import { type Case, corpus } from '../../worker/http/corpus.ts'

/** Says what it saw of each request, and at /ran how many there were before. */
const app = `
import { text } from 'node:stream/consumers'
let ran = 0
export default async (req, res) => {
  if (req.url === '/ran') return res.end(String(ran))
  ran += 1
  const body = await text(req).catch(() => 'cut')
  res.end(JSON.stringify({ url: req.url, headers: req.headers, body }))
}
`

const probe = 'GET /ran HTTP/1.1\r\nHost: probe\r\n\r\n'

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Reads answers one after another. */
class Client {
  readonly #socket: Socket
  #bytes = ''
  #hasEnded = false
  readonly #limit: NodeJS.Timeout
  #heard: () => void = () => undefined

  constructor(port: number) {
    // Nothing takes so long; without this, one silent case would hide all others.
    this.#limit = setTimeout(() => this.close(), 60_000)
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#bytes += text
      this.#heard()
    })
    const end = () => {
      this.#hasEnded = true
      this.#heard()
    }
    this.#socket.on('end', end).on('error', end).on('close', end)
  }

  async send(bytes: string, how: Way): Promise<void> {
    const pieces = how === 'whole' ? [bytes] : bytes
    for (const piece of pieces) {
      if (this.#socket.destroyed) return
      this.#socket.write(piece, 'latin1')
      if (how === 'byte by byte') await turn()
    }
  }

  /** The next answer, or undefined where the connection has ended. */
  async answer(isHead: boolean): Promise<Answer | undefined> {
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n')
      const head = this.#bytes.slice(0, end + 4)
      const [, digits] = /^content-length: (\d+)/im.exec(head) ?? []
      const length = isHead || digits === undefined ? 0 : Number(digits)
      if (end !== -1 && this.#bytes.length >= head.length + length) {
        const body = this.#bytes.slice(head.length, head.length + length)
        this.#bytes = this.#bytes.slice(head.length + length)
        return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), head, body }
      }
      if (this.#hasEnded) return undefined
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
    }
  }

  close(): void {
    clearTimeout(this.#limit)
    this.#socket.destroy()
  }
}

type Way = 'whole' | 'byte by byte'

describe('requests byte by byte', () => {
  for (const [group, cases] of Object.entries(corpus)) {
    for (const way of ['whole', 'byte by byte'] as const) {
      it(`${group}, ${way}: ${cases.length} of them`, async () => {
        const server = launch({
          args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
          files: { 'app.mjs': app },
        })
        const port = Number(new URL(await server.running()).port)
        const wrong: string[] = []
        for (const one of cases) wrong.push(...(await play(port, one, way)))
        expect(wrong).to.deep.equal([])
      }).timeout(240_000)
    }
  }
})

/** What is not as it should be. */
async function play(port: number, one: Case, way: Way): Promise<string[]> {
  const before = await runs(port)
  const client = new Client(port)
  await client.send(one.sends, way)
  const wrong: string[] = []
  const isHead = one.sends.startsWith('HEAD')
  let last: Answer | undefined
  for (const status of one.statuses) {
    const answer = await client.answer(isHead)
    if (answer?.status !== status) wrong.push(`${one.what}: answered ${answer?.status}, expected ${status}`)
    if (answer !== undefined) last = answer
    if (answer === undefined) break
  }
  if (last !== undefined && last.status >= 400 && !/^connection: close\r$/im.test(last.head))
    wrong.push(`${one.what}: refused without Connection: close`)
  // An open connection answers once more; a closed one has ended.
  if (!one.closes) await client.send(probe, 'whole')
  const more = await client.answer(false)
  if (one.closes !== (more === undefined))
    wrong.push(`${one.what}: the connection ${one.closes ? `stays: ${more?.status}` : 'ends'}`)
  client.close()
  const ran = (await runs(port)) - before
  if (ran !== one.ran) wrong.push(`${one.what}: the application ran ${ran} times, expected ${one.ran}`)
  return [...wrong, ...unlike(one, last)]
}

function unlike({ what, saw }: Case, answer: Answer | undefined): string[] {
  if (saw === undefined || answer?.status !== 200) return []
  const seen = JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as {
    url: string
    body: string
    headers: Record<string, unknown>
  }
  const wrong: string[] = []
  if (saw.url !== undefined && seen.url !== saw.url) wrong.push(`${what}: the target is ${seen.url}`)
  if (saw.body !== undefined && seen.body !== saw.body) wrong.push(`${what}: the body is ${seen.body}`)
  for (const [name, value] of Object.entries(saw.headers ?? {})) {
    if (seen.headers[name] !== value) wrong.push(`${what}: ${name} is ${seen.headers[name]}`)
  }
  return wrong
}

async function runs(port: number): Promise<number> {
  return Number(
    await (await fetch(`http://127.0.0.1:${port}/ran`, { headers: { connection: 'close' } })).text(),
  )
}
