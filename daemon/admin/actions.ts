/** What the status page can do for those who know the token: reload, and scale. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tokenFrom } from '../../config/resolve/status-token.ts'
import { openSafely } from '../../worker/protocol/safe-open.ts'
import { systemMessage } from '../../worker/protocol/system-error.ts'
import { obey } from '../control/commands.ts'
import type { Command } from '../control/controlled.ts'
import type { Reply } from '../control/conversation.ts'
import { respond } from './respond.ts'
import { isOwnPage } from './same-origin.ts'

export interface ActionOptions {
  /** A file with the token; null where nothing may be done. */
  readonly tokenFile: string | null
  readonly hear: (command: Command) => void
}

/** The commands by path, and their arguments from the body. */
const actions: Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => readonly string[]>> = {
  '/-/reload': () => ['reload'],
  '/-/scale': ({ workers }) => ['scale', `${workers}`],
}

export const actionPaths: readonly string[] = Object.keys(actions)

const longestBody = 1_024

export async function act(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  { tokenFile, hear }: ActionOptions,
): Promise<void> {
  const refuse = (status: number, error: string, headers: Readonly<Record<string, string>> = {}) =>
    answer(res, status, { error }, headers)
  if (req.method !== 'POST') return refuse(405, 'Only POST', { Allow: 'POST' })
  if (!isOwnPage(req)) return refuse(403, 'The request is from a page of another server')
  if (tokenFile === null) return refuse(403, 'This page is read-only: status_token_file allows more')
  if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
    return refuse(415, 'The body has to be application/json')
  const [, given] = /^Bearer +(\S+) *$/i.exec(req.headers.authorization ?? '') ?? []
  if (given === undefined) return refuse(401, 'A token is needed', challenge)
  const token = await read(tokenFile)
  if (token instanceof Error) return refuse(503, `status_token_file ${token.message}`)
  if (!isSame(given, token)) return refuse(401, 'The token is wrong', challenge)
  const body = await readBody(req)
  if (typeof body === 'string') return refuse(400, body)
  const [command = '', ...args] = (actions[path] as (typeof actions)[string])(body)
  const { reply, settle } = replyTo(res)
  hear(controls => {
    try {
      obey(controls, { command, args, reply })
    } finally {
      settle()
    }
  })
}

const challenge = { 'WWW-Authenticate': 'Bearer realm="tsicorn"' }

/** Other users' links could lead to a token of theirs. */
async function read(tokenFile: string): Promise<string | Error> {
  const fd = await openSafely(tokenFile, constants.O_RDONLY).catch((error: Error) => error)
  if (typeof fd !== 'number') return new Error(`cannot be read: ${systemMessage(fd)}`)
  try {
    return tokenFrom(fd)
  } catch (error) {
    return error as Error
  }
}

/** Takes the same time wherever they differ, and whatever their lengths are. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map(text => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}

/** The object in the body, or what is wrong with it. */
async function readBody(req: IncomingMessage): Promise<Readonly<Record<string, unknown>> | string> {
  let text = ''
  try {
    for await (const piece of req.setEncoding('utf8')) {
      // The rest is read, so that the client can read the answer.
      if (text.length <= longestBody) text += (piece as string).slice(0, longestBody + 1)
    }
    if (text.length > longestBody) return `The body has more than ${longestBody} bytes`
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>
  } catch (error) {
    return `The body is not JSON: ${(error as Error).message}`
  }
}

/** Answers with what the command says at once; `settle` says that it is under way, and its outcome is an event. */
function replyTo(res: ServerResponse): { readonly reply: Reply; readonly settle: () => void } {
  const stops: (() => void)[] = []
  const reply: Reply = {
    place: 'on the status page',
    progress: () => undefined,
    ok: data => answer(res, 200, { data }),
    okText: data => answer(res, 200, { data: JSON.parse(data.toString()) }),
    error: error => answer(res, 409, { error }),
    onEnd: stop => stops.push(stop),
  }
  const settle = () => {
    for (const stop of stops) stop()
    answer(res, 202, { data: null })
  }
  return { reply, settle }
}

function answer(
  res: ServerResponse,
  status: number,
  data: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const closing = status >= 400 ? { Connection: 'close' } : {}
  respond(res, {
    status,
    body: `${JSON.stringify(data)}\n`,
    type: 'application/json; charset=utf-8',
    headers: { ...closing, ...headers },
  })
}
