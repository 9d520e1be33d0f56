/** A log file that several processes append to. */
import { constants, fstatSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { openSafely } from '../protocol/safe-open.ts'
import { systemMessage } from '../protocol/system-error.ts'
import { countLines, LogStream } from './log-stream.ts'

/**
 * Lines stay whole as long as each piece passed to `write` has at most `piece` bytes: the kernel appends such a piece
 * to a local file (O_APPEND) or a pipe (PIPE_BUF) undivided. Only a longer line to a full pipe, and a disk that fills
 * up in the middle of a piece, can split one.
 */
export interface LogFile {
  /** The longest piece that always arrives undivided, in bytes. */
  readonly piece: number
  /** Appends whole lines, each with its line end. Never blocks, never throws; does nothing after `close`. */
  write(lines: string): void
  /**
   * Switches to the file that has the name now. Resolves when all earlier lines are in the old file, or, where its disk
   * is full, wait for the new one.
   */
  reopen(): Promise<void>
  /** Resolves when all lines are written, or after `limit`. */
  close(options?: CloseOptions): Promise<void>
}

export interface CloseOptions {
  /** How long to wait for a full disk, or for the reader of a pipe, in milliseconds; default: 2,500. */
  readonly limit?: number
  /**
   * Gets the lines that cannot be written at once; without it they are waited for, and if lost, counted and reported.
   */
  readonly onUnwritten?: (lines: string) => void
}

export interface LogFileOptions {
  /** The name of the setting, for messages. */
  readonly setting: string
  /** Its value: a path, or `-` for the standard stream, which is neither reopened nor closed. */
  readonly value: string
  readonly standard: 1 | 2
  /** Called once when writing fails, and once when it works again, with the number of lost lines. */
  readonly onTrouble: (message: string) => void
}

/** Opens a log for appending; rejects with one message for the user. Writing is asynchronous, in order. */
export async function openLogFile(options: LogFileOptions): Promise<LogFile> {
  const { value, standard, onTrouble } = options
  const { SonicBoom } = (await import('sonic-boom')).default
  // Absolute, so that a later `chdir` does not move the log.
  const path = value === '-' ? undefined : resolve(value)
  const name = path === undefined ? standardNames[standard] : `"${path}"`
  let closing = false
  let failing = false
  let lostLines = 0
  let current = start(path === undefined ? reopenNonBlocking(standard) : await openFirst(path, options))
  let lastChange: Promise<void> = Promise.resolve()

  function start(fd: number): LogStream {
    return new LogStream(SonicBoom, fd, {
      onError(error) {
        if (failing) return
        failing = true
        onTrouble(`Cannot write to ${name}: ${error.message}: lines wait in memory until it works again`)
      },
      onDrop(lines) {
        lostLines += countLines(lines)
      },
      onDrain() {
        if (!failing && lostLines === 0) return
        const lost = lostLines
        failing = false
        lostLines = 0
        onTrouble(`Writing to ${name} works again: ${lost} lines were lost`)
      },
    })
  }

  /** The last lines survive `process.exit`. */
  function writeRest(): void {
    closing = true
    try {
      current.flushSync(closeLimitMs)
    } catch (error) {
      onTrouble(`Cannot write to ${name}: ${(error as Error).message}: the last lines are lost`)
    }
  }
  process.on('exit', writeRest)

  /** Serialises changes, so that a close waits for a reopen. */
  function change(step: () => Promise<void>): Promise<void> {
    lastChange = lastChange.then(step)
    return lastChange
  }

  return {
    get piece() {
      return current.piece
    },
    write(lines) {
      if (!closing) current.write(lines)
    },
    reopen: () =>
      change(async () => {
        if (path === undefined || closing) return
        try {
          // A stream for each file: lines written before still go to the old one.
          const next = start(await openForAppend(path))
          const old = current
          current = next
          const rest = await old.end(closeLimitMs, { retries: false })
          if (rest !== '') current.write(rest)
        } catch (error) {
          onTrouble(`Cannot reopen ${name}: ${(error as Error).message}: the old file stays in use`)
        }
      }),
    close: ({ limit = closeLimitMs, onUnwritten } = {}) =>
      change(async () => {
        if (closing) return
        closing = true
        const rest = await current.end(limit, { retries: onUnwritten === undefined })
        process.off('exit', writeRest)
        if (rest === '') return
        if (onUnwritten !== undefined) return onUnwritten(rest)
        const lost = lostLines + countLines(rest)
        onTrouble(`Cannot write to ${name} before it is closed: ${lost} lines were lost`)
      }),
  }
}

/** How long the last lines may take, in milliseconds. */
const closeLimitMs = 2_500

/**
 * Reopens a standard stream with a file description of its own, so that it can be non-blocking without affecting
 * processes that share it: a stalled reader must not hold up a thread, which Node would wait for at its exit. Sockets
 * cannot be reopened; then this is the stream itself.
 */
function reopenNonBlocking(standard: 1 | 2): number {
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants
  try {
    const stats = fstatSync(standard, { bigint: true })
    if (!stats.isFIFO() && !stats.isCharacterDevice()) return standard
    return openSync(`/proc/self/fd/${standard}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY)
  } catch {
    return standard
  }
}

const standardNames = { 1: 'standard output', 2: 'standard error' } as const

async function openFirst(path: string, { setting, value, standard }: LogFileOptions): Promise<number> {
  try {
    return await openForAppend(path)
  } catch (error) {
    const why = systemMessage(error as Error)
    const cure = cures[(error as NodeJS.ErrnoException).code ?? ''] ?? 'name a file that this user may write'
    const attempt = `Cannot open ${setting} "${value}" for appending`
    throw new Error(`${attempt}: ${why}: ${cure}, or use "-" for ${standardNames[standard]}`, {
      cause: error,
    })
  }
}

const cures: Readonly<Record<string, string>> = {
  ENOENT: 'create its folder',
  EISDIR: 'name a file, not a folder',
  EMFILE: 'allow more open files (ulimit -n, LimitNOFILE)',
  ENFILE: 'allow more open files (fs.file-max)',
  ENXIO: 'let something read the pipe first',
  EUNTRUSTED: 'name the file that is meant, in a folder that only root may write to',
}

function openForAppend(path: string): Promise<number> {
  return openSafely(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT)
}
