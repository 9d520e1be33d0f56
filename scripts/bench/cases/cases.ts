/** The table of what is measured. */
import { reload, respawn } from './change.ts'
import { loadCase } from './load-case.ts'
import { modules } from './modules.ts'
import { skew } from './skew.ts'
import { start } from './start.ts'
import { version } from './version.ts'

/** What a process of an app needs, also under tsicorn. */
const hono = ['hono@4.13.19', '@hono/node-server@2.1.9']

export const cases = {
  'keep-alive': loadCase('keep-alive', {}),
  fresh: loadCase('a connection per request', { isFresh: true }),
  json: loadCase('10 kB of JSON', { path: '/json' }),
  echo: loadCase('POST of 16 kB, and the same back', { path: '/echo', postedBytes: 2 ** 14 }),
  download: loadCase('download of 1 MB', { path: '/large' }),
  express: loadCase('Express', { setup: { app: 'express' }, packages: ['express@5.3.0'] }),
  fastify: loadCase('Fastify', { setup: { app: 'fastify' }, packages: ['fastify@5.12.8'] }),
  hono: loadCase('Hono', { setup: { app: 'hono' }, packages: hono }),
  unix: loadCase('unix socket', { setup: { isUnix: true } }),
  tls: loadCase('TLS', { setup: { protocol: 'https' } }),
  http2: loadCase('HTTP/2 over TLS', { setup: { protocol: 'http2' } }),
  'access-log': loadCase('access log', { setup: { extra: 'access-log' }, against: 'keep-alive' }),
  'access-log-fresh': loadCase('access log, a connection per request', {
    setup: { extra: 'access-log' },
    isFresh: true,
    against: 'fresh',
  }),
  'json-log': loadCase('access log as JSON', { setup: { extra: 'json-log' }, against: 'keep-alive' }),
  statsd: loadCase('statsd', { setup: { extra: 'statsd' }, against: 'keep-alive' }),
  'request-timeout': loadCase('request_timeout', {
    setup: { extra: 'request-timeout' },
    against: 'keep-alive',
  }),
  mix: loadCase('2 % of requests block their worker for 50 ms, a connection per request', {
    path: '/mix',
    isFresh: true,
  }),
  'mix-requests': loadCase('the same with balance: requests', {
    setup: { extra: 'balance-requests' },
    path: '/mix',
    isFresh: true,
    against: 'mix',
  }),
  'fresh-off': loadCase('a connection per request, balance: off', {
    setup: { extra: 'balance-off' },
    isFresh: true,
    against: 'fresh',
  }),
  skew,
  start,
  reload,
  respawn,
  version,
  modules,
} as const

export type CaseName = keyof typeof cases
