export function fetch() {
  return new Response('module fetch')
}
