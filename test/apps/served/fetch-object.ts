export default {
  name: 'fetch-object',
  async fetch(request: Request) {
    return new Response(`${this.name} ${process.pid} ${await request.text()}`)
  },
}
