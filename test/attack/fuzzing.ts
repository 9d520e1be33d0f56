/** Hostile clients: conversations that mutate valid ones, alone and many at a time, with listeners and apps of each kind. */
import { fileURLToPath } from 'node:url'
import { Authority, hasOpenssl } from '../support/certificates.ts'
import type { Conversation, Target } from './conversation.ts'
import { conversations } from './fuzz/conversations.ts'
import { createRandom, integer, pick } from './random.ts'
import { within } from './server/patience.ts'
import type { Adversary, Turn } from './turn.ts'

interface Listening {
  readonly name: string
  readonly args: readonly string[]
  readonly tls: boolean
  readonly proxyProtocol: boolean
}

const listeners: readonly Listening[] = [
  {
    name: 'plain with h2c',
    args: ['--http2-cleartext=prior-knowledge'],
    tls: false,
    proxyProtocol: false,
  },
  {
    name: 'PROXY protocol',
    args: ['--http2-cleartext=prior-knowledge', '--proxy-protocol=auto'],
    tls: false,
    proxyProtocol: true,
  },
  { name: 'TLS with h2', args: ['--http-protocols=h2,h1'], tls: true, proxyProtocol: false },
]

/** What any app answers, and what only those that are plain listeners do. */
const kinds = ['keep-alive', 'fresh', 'fresh, unix', 'POST echoed', 'HTTP/1.0']
const kindsOfListeners = ['streamed', 'POST unread', 'WebSocket', 'pipelined']

const apps = [
  { file: 'listener.mjs', kinds: kindsOfListeners },
  { file: 'reckless.mjs', kinds: kindsOfListeners },
  { file: 'early.mjs', kinds: kindsOfListeners },
  { file: 'express.mjs', kinds: ['streamed'] },
  { file: 'fastify.mjs:build()', kinds: ['streamed'] },
  { file: 'fetch.mjs', kinds: [] },
] as const

const most = 8
const patience = 30

export const fuzzing: readonly Adversary[] = listeners.map(listening => ({
  group: 'fuzz',
  name: listening.name,
  run: turn => fuzz(turn, listening),
}))

async function fuzz(turn: Turn, { args, tls, proxyProtocol }: Listening): Promise<void> {
  if (tls && !hasOpenssl) return turn.skip('no openssl')
  const authority = tls ? new Authority() : undefined
  const pair = authority?.sign('attack')
  authority?.remove()
  const app = pick(turn.random, apps)
  turn.did(`App: ${app.file}`)
  const server = await turn.start({
    files: pair === undefined ? {} : { 'both.pem': pair.cert + pair.key },
    args: [
      ...['-w2', '-b127.0.0.1:0', '-bunix:app.sock', ...args],
      ...(tls ? ['--certfile=both.pem'] : []),
      fileURLToPath(new URL(`./served/${app.file}`, import.meta.url)),
    ],
  })
  if (server === undefined) return
  const honest = await turn.welcome(server, {
    kinds: [...kinds, ...app.kinds, ...(tls ? ['HTTP/2'] : [])],
    ca: authority?.cert,
  })
  const before = await server.census()
  const workers = server.workers
  const target: Target = { ...server.address, tls, proxyProtocol }
  // What ended a worker once has its turn in any case.
  const past = conversations.filter(({ name }) => name.startsWith('past'))
  for (const conversation of past) await hold(turn, conversation, turn.seed, target)
  while (!turn.isOver && conversations.length > 0) {
    const batch = Array.from({ length: integer(turn.random, 1, most) }, () => ({
      conversation: pick(turn.random, conversations),
      seed: integer(turn.random, 0, 2 ** 31),
    }))
    await Promise.all(batch.map(({ conversation, seed }) => hold(turn, conversation, seed, target)))
  }
  await honest.goesOn()
  const left = server.workers
  if (workers.some(worker => !left.includes(worker))) turn.violated('A worker has ended')
  await turn.examine(server, before)
}

async function hold(turn: Turn, { name, run }: Conversation, seed: number, target: Target): Promise<void> {
  const what = `${name} (seed ${seed})`
  const story = await within(
    run(createRandom(seed), target).catch((error: Error) => `failed: ${error.message}`),
    patience,
  )
  turn.did(`${what}: ${story ?? `not over after ${patience} s`}`)
  if (story === undefined) turn.violated(`${what} did not come to an end`)
}
