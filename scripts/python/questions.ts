/** The requests that every framework answers in the same way; each resolves with what is wrong. */

export type Question = (url: string) => Promise<string | undefined>

const large = 'x'.repeat(300_000)

function file(): FormData {
  const form = new FormData()
  form.set('file', new Blob([large]), 'large.txt')
  return form
}

/** A body without a length. */
function chunked(text: string): RequestInit & { duplex: 'half' } {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text))
      controller.close()
    },
  })
  return { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'application/octet-stream' } }
}

const json = { query: { a: 'b c' }, root: '' }

export const questions: readonly Question[] = [
  expecting('/', {}, 'hello'),
  expecting('/', { method: 'HEAD' }, ''),
  expecting('/form', { method: 'POST', body: new URLSearchParams({ name: 'ä b' }) }, 'form ä b'),
  expecting(
    '/upload',
    { method: 'POST', body: large, headers: { 'content-type': 'text/plain' } },
    'upload 300000',
  ),
  // Frameworks read a body without a length where the server says that it ends, or has counted it.
  expecting('/upload', () => chunked('abc'), 'upload 3'),
  expecting('/files', () => ({ method: 'POST', body: file() }), 'files 300000'),
  expecting('/stream', {}, 'piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n'),
  expecting('/nowhere', {}, undefined, 404),
  expecting('/fails', {}, undefined, 500),
  expecting('/file', {}, undefined),
  async url => {
    const answer = (await (await fetch(`${url}/json?a=b%20c`)).json()) as Record<string, unknown>
    const expected = { ...json, host: new URL(url).host }
    return Object.entries(expected).every(([name, value]) => same(answer[name], value))
      ? undefined
      : `/json says ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`
  },
  async url => {
    const response = await fetch(`${url}/cookies`)
    await response.text()
    const cookies = response.headers.getSetCookie().map(text => text.split(';')[0])
    return cookies.sort().join() === 'a=1,b=2' ? undefined : `/cookies sets ${cookies.join()}`
  },
]

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function expecting(
  path: string,
  init: RequestInit | (() => RequestInit),
  body: string | undefined,
  status = 200,
): Question {
  return async url => {
    const options = typeof init === 'function' ? init() : init
    const response = await fetch(`${url}${path}`, options)
    const text = await response.text()
    const isRight = response.status === status && (body === undefined || text === body)
    const name = `${options.method ?? 'GET'} ${path}`
    return isRight ? undefined : `${name} answers ${response.status} ${JSON.stringify(text.slice(0, 200))}`
  }
}
