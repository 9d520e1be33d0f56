/** Single requests, for tests. */
import { get } from 'node:http'

/** The body of the answer to a request on a connection of its own. */
export async function fresh(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

export async function overUnixSocket(socketPath: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    get({ socketPath, path: '/', agent: false }, response => {
      response.setEncoding('utf8').on('data', resolve)
    }).once('error', reject)
  })
}
