/** A bare server of Node for the app and the protocol that the environment names. */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { ListenOptions, Server } from 'node:net'

interface App {
  readonly listener: http.RequestListener
  prepare?(): PromiseLike<unknown>
}

const { BENCH_APP = '', BENCH_PROTOCOL = '', BENCH_PLACE = '', BENCH_KEY = '', BENCH_CERT = '' } = process.env

export async function createServer(): Promise<Server> {
  // A variable, which the bundler leaves alone.
  const program = new URL(`./${BENCH_APP}.mjs`, import.meta.url).href
  const app = (await import(program)) as App
  await app.prepare?.()
  if (BENCH_PROTOCOL === 'http') return http.createServer(app.listener)
  const pair = { key: readFileSync(BENCH_KEY), cert: readFileSync(BENCH_CERT) }
  if (BENCH_PROTOCOL === 'https') return https.createServer(pair, app.listener)
  const answer = app.listener as unknown as (
    req: http2.Http2ServerRequest,
    res: http2.Http2ServerResponse,
  ) => void
  return http2.createSecureServer({ ...pair, allowHTTP1: true }, answer)
}

/** Where the environment says that it listens. */
export function place(): ListenOptions {
  return JSON.parse(BENCH_PLACE) as ListenOptions
}
