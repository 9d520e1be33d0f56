/**
 * The control socket: each server has one of its own, which only its user, and root, can connect to. The kernel checks
 * that, by the permissions of the socket and of its folder.
 */
import { once } from 'node:events'
import { readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import { type FolderVariables, socketFolders, socketName } from '../../control/protocol/folders.ts'
import { systemMessage } from '../../worker/protocol/system-error.ts'
import {
  attempt,
  clearStaleSocket,
  closeKeeping,
  type FileIdentity,
  identify,
  removeSocketFile,
} from '../sockets/socket-file.ts'
import { isPrivate } from '../system/private-folder.ts'
import type { Command } from './controlled.ts'
import type { Conversation } from './conversation.ts'

/** How many clients may be connected; one more takes the place of one that waits for nothing. */
const mostClients = 64

export interface ControlSocketOptions {
  /** The setting `control_socket`, as an absolute path; null for a usual place. */
  readonly path: string | null
  /** The permissions, `control_socket_mode`. */
  readonly mode: number
  readonly env: FolderVariables
  readonly warn: (message: string) => void
}

/** Where it listens. */
interface Place {
  readonly path: string
  readonly file: FileIdentity | undefined
}

export class ControlSocket {
  readonly #server: net.Server
  readonly #warn: (message: string) => void
  readonly #clients = new Set<Conversation>()
  #hear: (command: Command) => void = () => undefined
  #place: Place
  /** Node removes the name that the socket was made with when it is closed. */
  readonly #firstPath: string
  /** Leads from the usual place to a socket that is elsewhere, so that clients find it. */
  readonly #link: string | undefined

  private constructor(
    server: net.Server,
    place: Place,
    link: string | undefined,
    warn: (message: string) => void,
  ) {
    this.#server = server
    this.#place = place
    this.#firstPath = place.path
    this.#link = link
    this.#warn = warn
    server.on('connection', socket => void this.#accept(socket).catch(() => socket.destroy()))
    // Without descriptors, a client has to come back.
    server.on('error', ({ message }) => warn(`The control socket: ${message}`))
    server.unref()
    this.#relink()
  }

  /** Opens the socket where it is wanted, or in the first usual folder that is private; undefined if it cannot be. */
  static async open({ path, mode, env, warn }: ControlSocketOptions): Promise<ControlSocket | undefined> {
    const usual = usualPlace(env)
    const place = path ?? usual
    if (place === undefined) return undefined
    try {
      await clearStaleSocket(place)
      const server = await listen(place, mode)
      const link = place === usual ? undefined : usual
      return new ControlSocket(server, { path: place, file: identify(place) }, link, warn)
    } catch (error) {
      if (path !== null) warn(`There is no control socket: ${explain(place, error as NodeJS.ErrnoException)}`)
      return undefined
    }
  }

  get path(): string {
    return this.#place.path
  }

  /** Passes on what clients ask, from now on. */
  serve(hear: (command: Command) => void): void {
    this.#hear = hear
  }

  /** Gives the socket another name, which may be that of a server that has ended. Never rejects. */
  async move(path: string): Promise<void> {
    const { path: before, file } = this.#place
    if (path === before) return
    try {
      await clearStaleSocket(path)
      renameSync(before, path)
      this.#place = { path, file }
      this.#relink()
    } catch (error) {
      this.#warn(`The control socket stays at ${before}: ${explain(path, error as NodeJS.ErrnoException)}`)
    }
  }

  close(): void {
    const { path, file } = this.#place
    for (const client of this.#clients) client.close()
    closeKeeping(this.#firstPath, file, () => void this.#server.close())
    removeSocketFile(path, file)
    this.#unlink()
  }

  #relink(): void {
    if (this.#link === undefined) return
    this.#unlink()
    attempt(() => symlinkSync(this.path, this.#link as string))
  }

  #unlink(): void {
    const link = this.#link
    if (link !== undefined) attempt(() => readlinkSync(link) !== '' && unlinkSync(link))
  }

  async #accept(socket: net.Socket): Promise<void> {
    const [{ Conversation }, { obey }] = await Promise.all([
      import('./conversation.ts'),
      import('./commands.ts'),
    ])
    if (this.#clients.size >= mostClients) {
      const idle = [...this.#clients].find(({ isIdle }) => isIdle)
      if (idle === undefined) return void socket.destroy()
      this.#clients.delete(idle)
      idle.close()
    }
    const client = new Conversation(socket, asked => this.#hear(controls => obey(controls, asked)))
    this.#clients.add(client)
    socket.once('close', () => this.#clients.delete(client))
  }
}

function usualPlace(env: FolderVariables): string | undefined {
  const user = process.geteuid?.()
  const folder = socketFolders(env, user).find(candidate => isPrivate(candidate, user))
  return folder === undefined ? undefined : join(folder, socketName(process.pid))
}

async function listen(path: string, mode: number): Promise<net.Server> {
  const server = net.createServer()
  // Node binds a unix socket at once, so that the mask holds for it alone.
  const before = process.umask(0o777 & ~mode)
  try {
    server.listen({ path })
  } finally {
    process.umask(before)
  }
  await once(server, 'listening')
  return server
}

function explain(path: string, error: NodeJS.ErrnoException): string {
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process listens there: choose another control_socket',
    ENOTSOCK: 'there is a file that is no socket: remove it, or choose another control_socket',
    ENOENT: `the folder "${dirname(path)}" does not exist: create it first`,
    ENAMETOOLONG: 'a path of a unix socket may have 107 bytes at most: choose a shorter one',
  }
  return `"${path}": ${known[error.code ?? ''] ?? systemMessage(error)}`
}
