/** Awaits what never comes while something keeps the process alive. */
setInterval(() => undefined, 1000)

await new Promise(() => undefined)

export default () => new Response('never')
