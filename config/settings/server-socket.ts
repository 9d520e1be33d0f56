/** The settings under "Server socket". */
import type { Group } from '../kinds/declaration.ts'
import { integer } from '../kinds/kinds.ts'
import { list } from '../kinds/lists.ts'

export const serverSocket = {
  bind: {
    kind: list('ADDRESS'),
    default: ['127.0.0.1:8000'],
    flag: '--bind',
    short: '-b',
    env: { name: 'PORT', text: port => `0.0.0.0:${port}` },
    doc: 'Addresses to listen on: `PORT`, `HOST`, `HOST:PORT`, `[V6]:PORT`, `tcp6://[V6]:PORT`, `unix:PATH` or `fd://N`. A port alone is on 127.0.0.1; otherwise the port defaults to 8000 and the host to 0.0.0.0. `[::]` also accepts IPv4 connections, `tcp6://[::]` does not. May be given several times. With `$PORT`, the default is `0.0.0.0:$PORT`.',
    effect: 'on reload',
  },
  backlog: {
    kind: integer({ min: 1 }),
    default: 2048,
    flag: '--backlog',
    doc: "How many connections may wait in the kernel's queue, per address; the kernel's own limit (`net.core.somaxconn`) caps it.",
    effect: 'on reload',
    sent: true,
  },
} as const satisfies Group
