/** Single requests, for tests. */
import { get } from 'node:http'
import { open } from './http/raw.ts'
import { eventually } from './tsicorn.ts'

/** The body of the answer to a request on a connection of its own. */
export async function fresh(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

/** Resolves when the answer has this text: with `--reload`, an old worker is cut with what it serves. */
export async function answers(url: string, text: string): Promise<void> {
  const asked = async () => await fresh(url).catch(() => '')
  await eventually(`${url} answers ${text}`, async () => (await asked()).includes(text))
}

export async function overUnixSocket(socketPath: string, path = '/'): Promise<string> {
  return await new Promise((resolve, reject) => {
    get({ socketPath, path, agent: false }, response => {
      response.setEncoding('utf8').on('data', resolve)
    }).once('error', reject)
  })
}

/** Resolves when somebody listens there: a worker does a moment after it says so. */
export async function listening(url: string): Promise<void> {
  await eventually(`somebody listens at ${url}`, async () => {
    const socket = await open(url).catch(() => undefined)
    socket?.destroy()
    return socket !== undefined
  })
}
