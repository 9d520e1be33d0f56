/** Buffers the lines of the access log on their way to a file. */
import { type LogFile, openLogFile } from '../sinks/log-file.ts'

/** Writes lines after a quarter of a second, or when a piece is full. */
export class AccessFile {
  readonly #file: LogFile
  #lines = ''
  #size = 0
  #timer: NodeJS.Timeout | undefined

  constructor(file: LogFile) {
    this.#file = file
  }

  add(text: string): void {
    const line = `${text}\n`
    const size = Buffer.byteLength(line)
    if (this.#size + size > this.#file.piece) this.flush()
    this.#lines += line
    this.#size += size
    this.#timer ??= setTimeout(this.#onTimer, 250).unref()
  }

  flush(): void {
    if (this.#size === 0) return
    this.#file.write(this.#lines)
    this.#lines = ''
    this.#size = 0
  }

  /** Switches to the file that has the name now. */
  async reopen(): Promise<void> {
    this.flush()
    await this.#file.reopen()
  }

  async close(limit?: number): Promise<void> {
    this.flush()
    clearTimeout(this.#timer)
    await this.#file.close(limit === undefined ? {} : { limit })
  }

  /** Without lines to write there is no timer: an idle worker is not woken. */
  readonly #onTimer = (): void => {
    this.#timer = this.#size === 0 ? undefined : setTimeout(this.#onTimer, 250).unref()
    this.flush()
  }
}

/** Rejects with one message for the user when the file cannot be appended to. */
export async function openAccessFile(
  value: string,
  onTrouble: (message: string) => void,
): Promise<AccessFile> {
  return new AccessFile(await openLogFile({ setting: 'accesslog', value, standard: 1, onTrouble }))
}
