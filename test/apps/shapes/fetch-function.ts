export default async (request: Request) => new Response(`fetch function ${new URL(request.url).pathname}`)
