/** Awaits what never comes, and nothing keeps the process alive. */
await new Promise(() => undefined)

export default () => new Response('never')
