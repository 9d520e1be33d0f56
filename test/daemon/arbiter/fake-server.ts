/** A server of fakes: its parts note what is asked of them, and answer what a test wants. */
import { tmpdir } from 'node:os'
import { type Resolved, resolve } from '../../../config/resolve/resolve.ts'
import type { Server } from '../../../daemon/arbiter/server.ts'
import type { Generation } from '../../../daemon/generation/generation.ts'
import { Journal } from '../../../daemon/logs/journal.ts'

/** What the parts of the server have, beside functions that only note their calls. */
export type Answers = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface FakeServer {
  readonly server: Server
  /** Every call in order, without its arguments: `generations.confirm`. */
  readonly calls: string[]
  /** What was logged: `info Running`. */
  readonly lines: string[]
}

const parts = [
  'fleet',
  'generations',
  'hooks',
  'outlets',
  'pidfile',
  'upgrader',
  'crashLoop',
  'waits',
] as const

export function fakeServer(state: Readonly<Record<string, unknown>>, answers: Answers = {}): FakeServer {
  const calls: string[] = []
  const lines: string[] = []
  const noted = (name: string, known: Readonly<Record<string, unknown>> = {}) =>
    new Proxy(known, {
      get: (_, member: string) => {
        const answer = known[member]
        if (member in known && typeof answer !== 'function') return answer
        return (...args: unknown[]) => {
          calls.push(`${name}.${member}`)
          return typeof answer === 'function' ? answer(...args) : undefined
        }
      },
    })
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const log = {
    ...Object.fromEntries(
      ['debug', 'info', 'warning', 'error', 'critical'].map(level => [level, write(level)]),
    ),
    write: (level: string, message: string) => write(level)(message),
    moveTo: async (path: string) => void calls.push(`log.moveTo ${path}`),
  }
  const own = ['activate', 'revert', 'reopenLogs', 'view'].map(name => [
    name,
    () => void calls.push(`server.${name}`),
  ])
  const server = {
    ...Object.fromEntries(own),
    ...Object.fromEntries(parts.map(name => [name, noted(name, answers[name])])),
    log,
    journal: new Journal(),
    ...state,
  }
  return { server: server as unknown as Server, calls, lines }
}

/** A generation whose configuration has these flags. */
export async function generation(number: number, ...argv: string[]): Promise<Generation> {
  const resolved = await resolvedFrom(...argv)
  return {
    number,
    resolved,
    listeners: [],
    ofApp: new Set(),
    late: new Set(),
    unbound: [],
    isComplete: false,
  }
}

export async function resolvedFrom(...argv: string[]): Promise<Resolved> {
  return await resolve({ argv: ['./app.js', ...argv], env: {}, cwd: tmpdir() })
}
