/** An attacked fetch handler: most paths of `answers.mjs`, answered with a `Response`. */

const large = 'large '.repeat(100_000)

const answers = {
  '/ignore': () => new Response('not read'),
  '/large': () => new Response(large),
  '/slow': () => new Promise(answer => setTimeout(() => answer(new Response('slow')), 30)),
  '/throw': () => {
    throw new Error('Thrown on purpose')
  },
  '/stream': () => new Response(pieces(20, 20_000)),
  '/early': request => new Response(request.body ?? pieces(3, 5)),
}

export default async request => {
  const own = answers[new URL(request.url).pathname]
  return own === undefined ? new Response(`${request.method} ${await request.text()}`) : await own(request)
}

function pieces(count, size) {
  let left = count
  return new ReadableStream({
    async pull(controller) {
      await new Promise(setImmediate)
      if (left === 0) return controller.close()
      left -= 1
      controller.enqueue(new Uint8Array(size))
    },
  })
}
