/** TypeScript's own language server, asked as an editor asks it. */
import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: unknown
}

const command = new URL('../../../node_modules/typescript/bin/tsc', import.meta.url)

/** What an editor shows when the pointer is on this place of a file (lines and characters count from 0). */
export async function hover(folder: string, file: string, text: string, position: object): Promise<string> {
  const server = spawn(process.execPath, [command.pathname, '--lsp', '--stdio'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise(resolve => server.once('exit', resolve))
  const waiting = new Map<number, (result: unknown) => void>()
  const say = (message: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  const ask = (id: number, method: string, params: object) =>
    new Promise<unknown>(resolve => {
      waiting.set(id, resolve)
      say({ id, method, params })
    })
  const hear = (message: Message) => {
    if (message.id === undefined) return
    // The server asks too, for settings that an editor would have: there are none.
    if (message.method !== undefined) say({ id: message.id, result: null })
    else waiting.get(message.id)?.(message.result)
  }
  let pending = Buffer.alloc(0)
  server.stdout.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (let body = takeBody(); body !== undefined; body = takeBody()) hear(JSON.parse(body) as Message)
  })
  const takeBody = (): string | undefined => {
    const head = pending.indexOf('\r\n\r\n')
    const length = Number(
      /content-length: (\d+)/i.exec(pending.subarray(0, Math.max(head, 0)).toString())?.[1],
    )
    if (head < 0 || pending.length < head + 4 + length) return undefined
    const body = pending.subarray(head + 4, head + 4 + length).toString()
    pending = pending.subarray(head + 4 + length)
    return body
  }
  try {
    await ask(1, 'initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      capabilities: {},
    })
    say({ method: 'initialized', params: {} })
    const uri = pathToFileURL(file).href
    say({
      method: 'textDocument/didOpen',
      params: { textDocument: { uri, languageId: 'typescript', version: 1, text } },
    })
    return JSON.stringify(await ask(2, 'textDocument/hover', { textDocument: { uri }, position }))
  } finally {
    server.kill()
    await ended
  }
}
