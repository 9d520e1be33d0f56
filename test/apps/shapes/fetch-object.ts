export default {
  text: 'fetch object',
  fetch(_request: Request) {
    return new Response(this.text)
  },
}
