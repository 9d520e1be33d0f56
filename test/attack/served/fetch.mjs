/** An app of the kind `fetch`. */
import { bodyOf } from '../../../test/loss/client/pattern.ts'
import { isHonest, memoryInUse } from './honest.mjs'

export default async request => {
  if (new URL(request.url).pathname === '/memory') return new Response(`${process.pid} ${memoryInUse()}`)
  const { pathname, search, searchParams } = new URL(request.url)
  if (isHonest(pathname + search)) {
    const headers = { 'X-Worker': String(process.pid) }
    const body = pathname === '/echo' ? await request.arrayBuffer() : bodyOf(Number(searchParams.get('id')))
    return new Response(body, { headers })
  }
  return new Response(`${(await request.text()).length} characters\n`)
}
