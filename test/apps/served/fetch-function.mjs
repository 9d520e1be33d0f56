export default async request => new Response(`fetch-function ${process.pid} ${await request.text()}`)
