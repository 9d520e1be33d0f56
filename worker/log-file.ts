import { fstatSync, open } from 'node:fs'
import { resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { SonicBoom } from 'sonic-boom'

/**
 * A log that several processes append to at once.
 *
 * Whole lines stay whole as long as one piece handed to `write` is at most `piece` bytes: the kernel appends such a
 * piece to a local file (O_APPEND) or to a pipe (PIPE_BUF) undivided. Only a longer line to a pipe that is full, and a
 * disk that fills up in the middle of a piece, can break one.
 */
export interface LogFile {
  /** The longest piece, in bytes, that is sure to arrive undivided. */
  readonly piece: number
  /** Takes whole lines, each with its line end. Never blocks, never throws; ignored after `close`. */
  write(lines: string): void
  /** Turns to the file that has the name now; resolves when all earlier lines are in the old one. */
  reopen(): Promise<void>
  /** Resolves when all lines are written, or after about 2 s when nobody reads the pipe. */
  close(): Promise<void>
}

export interface LogFileOptions {
  /** The name of the setting, for messages. */
  readonly setting: string
  /** Its value: a path, or `-` for the standard stream, which is neither reopened nor closed. */
  readonly value: string
  readonly standard: 1 | 2
  /** Hears once that writing fails, and once that it works again and how much was lost. */
  readonly onTrouble: (message: string) => void
}

/** Opens a log for appending; rejects with one message for the user. Another thread writes, in order. */
export async function openLogFile(options: LogFileOptions): Promise<LogFile> {
  const { value, standard, onTrouble } = options
  const { SonicBoom } = (await import('sonic-boom')).default
  // A later change of the working folder must not move the log.
  const path = value === '-' ? undefined : resolve(value)
  const name = path === undefined ? standardNames[standard] : `"${path}"`
  let closing = false
  let lastTries = 20
  let failing = false
  let lostLines = 0
  let current = start(path === undefined ? standard : await openFirst(path, options))
  let lastChange: Promise<void> = Promise.resolve()

  function start(fd: number): { readonly stream: SonicBoom; readonly piece: number } {
    // `bigint` has buffers of its own in Node: up to 24.11, plain numbers of a pipe or socket that stay behind make the
    // next import take a package that is a symbolic link, as pnpm has them all, by the wrong path.
    const piece = fstatSync(fd, { bigint: true }).isFile() ? filePiece : pipePiece
    const stream = new SonicBoom({
      fd,
      maxWrite: piece,
      maxLength: mostWaiting,
      // Every 100 ms: for as long as it takes while the process lives, not for ever when it wants to leave.
      retryEAGAIN: () => !closing || lastTries-- > 0,
    })
    stream.on('error', (error: Error) => {
      if (failing) return
      failing = true
      onTrouble(`Cannot write to ${name}: ${error.message}: lines wait in memory until it works again`)
    })
    stream.on('drop', (lines: string) => {
      lostLines += lines.split('\n').length - 1
    })
    // Everything that waited is written.
    stream.on('drain', () => {
      if (!failing && lostLines === 0) return
      const lost = lostLines
      failing = false
      lostLines = 0
      onTrouble(`Writing to ${name} works again: ${lost} lines were lost`)
    })
    return { stream, piece }
  }

  /** Nobody may lose the last lines by calling `process.exit`. */
  function writeRest(): void {
    closing = true
    try {
      current.stream.flushSync()
    } catch (error) {
      onTrouble(`Cannot write to ${name}: ${(error as Error).message}: the last lines are lost`)
    }
  }
  process.on('exit', writeRest)

  /** One change after the other, so that a close waits for a reopen. */
  function change(step: () => Promise<void>): Promise<void> {
    lastChange = lastChange.then(step)
    return lastChange
  }

  return {
    get piece() {
      return current.piece
    },
    write(lines) {
      if (!closing) current.stream.write(lines)
    },
    reopen: () =>
      change(async () => {
        if (path === undefined || closing) return
        try {
          // A stream of its own for each file: the old one keeps the lines that were meant for it.
          const next = start(await openForAppend(path))
          const old = current.stream
          current = next
          await end(old)
        } catch (error) {
          onTrouble(`Cannot reopen ${name}: ${(error as Error).message}: the old file stays in use`)
        }
      }),
    close: () =>
      change(async () => {
        if (closing) return
        closing = true
        await end(current.stream)
        process.off('exit', writeRest)
      }),
  }
}

/** Bytes that Linux appends to a file in one go; larger batches save nothing. */
const filePiece = 64 * 1024
/** PIPE_BUF of Linux. */
const pipePiece = 4096
/** Bytes that may wait for a slow disk or reader before lines are dropped, and counted. */
const mostWaiting = 16 * 1024 * 1024

const standardNames = { 1: 'standard output', 2: 'standard error' } as const

async function openFirst(path: string, { setting, value, standard }: LogFileOptions): Promise<number> {
  try {
    return await openForAppend(path)
  } catch (error) {
    const { code, errno, message } = error as NodeJS.ErrnoException
    const why = errno === undefined ? message : getSystemErrorMessage(errno)
    const cure = cures[code ?? ''] ?? 'name a file that this user may write'
    const attempt = `Cannot open ${setting} "${value}" for appending`
    throw new Error(`${attempt}: ${why}: ${cure}, or use "-" for ${standardNames[standard]}`, {
      cause: error,
    })
  }
}

const cures: Readonly<Record<string, string>> = {
  ENOENT: 'create its folder',
  EISDIR: 'name a file, not a folder',
}

function openForAppend(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'a', (error, fd) => (error ? reject(error) : resolve(fd)))
  })
}

/** Writes what waits, then closes; what cannot be written is given up. */
function end(stream: SonicBoom): Promise<void> {
  return new Promise(resolve => {
    const patience = setTimeout(resolve, 2500)
    const done = () => {
      clearTimeout(patience)
      resolve()
    }
    stream.once('close', done)
    stream.once('error', () => {
      stream.destroy()
      done()
    })
    stream.end()
  })
}
