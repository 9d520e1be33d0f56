export default async (request: Request) =>
  new Response(`fetch-function ${process.pid} ${await request.text()}`)
