/** Measures how many connections wait to be accepted, as Linux reports it. */
import { inodeOf } from './descriptor.ts'
import type { Listener } from './sockets.ts'

/** A TCP socket that listens. */
interface Queue {
  readonly inode: string
  readonly port: number
  readonly waiting: number
}

const listening = '0A'

/** How much of a table is read at once, in bytes: some fifty rows. */
const pieceLength = 8_192

/** How often the queues are measured, in milliseconds. */
const measureMs = 1_000

/**
 * Measures the queues of the TCP listeners together until the returned function is called. They are undefined without
 * any, since the kernel does not show the queues of unix sockets, and where they cannot be read. That is reported once
 * for as long as it lasts: descriptors may be short for a while.
 */
export function followBacklog(
  listeners: readonly Listener[],
  measured: (waiting: number | undefined) => void,
  failed: (error: Error) => void,
): () => void {
  const tcp = listeners.filter(isTcp)
  const total = adder(tcp)
  let isFailing = false
  const read = async (): Promise<number | undefined> => {
    try {
      const waiting = tcp.length === 0 ? undefined : total(await readQueues())
      isFailing = false
      return waiting
    } catch (error) {
      if (!isFailing) failed(error as Error)
      isFailing = true
      return undefined
    }
  }
  const timer = setInterval(async () => measured(await read()), measureMs).unref()
  return () => clearInterval(timer)
}

/** The queue of each of these listeners, in their order; undefined for those that are not TCP. */
export async function backlogsOf(listeners: readonly Listener[]): Promise<(number | undefined)[]> {
  const queues = listeners.some(isTcp) ? await readQueues() : []
  return listeners.map(listener => (isTcp(listener) ? adder([listener])(queues) : undefined))
}

function isTcp({ port }: Listener): boolean {
  return port !== undefined
}

/** Returns a function that adds up what waits for these TCP listeners. */
function adder(tcp: readonly Listener[]): (queues: readonly Queue[]) => number {
  const inodes = new Set(tcp.flatMap(({ fd }) => (fd === undefined ? [] : (inodeOf(fd) ?? []))))
  // With `reuse_port`, the sockets belong to the workers: all that listen on the port count.
  const ports = new Set(tcp.filter(({ fd }) => fd === undefined).map(({ port }) => port))
  return queues =>
    queues
      .filter(({ inode, port }) => inodes.has(inode) || ports.has(port))
      .reduce((sum, { waiting }) => sum + waiting, 0)
}

async function readQueues(): Promise<readonly Queue[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(readTable))
  return tables.flat()
}

/**
 * Reads the sockets that listen. The kernel lists them first (`tcp_seq_start`), before perhaps thousands of connections,
 * which would take tens of milliseconds. A kernel without IPv6 has no table for it.
 */
async function readTable(name: string): Promise<Queue[]> {
  const { open } = await import('node:fs/promises')
  const file = await open(`/proc/self/net/${name}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return []
  try {
    const buffer = Buffer.alloc(pieceLength)
    let text = ''
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, pieceLength)
      text += buffer.toString('latin1', 0, bytesRead)
      // The first row is the head, and the last one may be a part.
      const rows = text.split('\n').slice(1, -1).map(rowOf)
      const queues = rows.filter(({ state }) => state === listening)
      if (bytesRead === 0 || queues.length < rows.length) return queues
    }
  } finally {
    await file.close()
  }
}

function rowOf(row: string): Queue & { readonly state: string } {
  const [, local = '', , state = '', waiting = '', , , , , inode = ''] = row.trim().split(/\s+/)
  return { state, inode, port: hexAfterColon(local), waiting: hexAfterColon(waiting) }
}

function hexAfterColon(text: string): number {
  return Number.parseInt(text.split(':')[1] ?? '', 16)
}
