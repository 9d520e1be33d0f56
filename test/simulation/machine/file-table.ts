/** The files of a simulated machine: folders, and regular files with their bytes. */
export interface Inode {
  readonly inode: number
  data: Uint8Array
}

export class FileTable {
  readonly #files = new Map<string, Inode>()
  readonly #folders = new Set(['/', '/srv', '/run', '/dev/shm', '/tmp'])
  #count = 0

  find(path: string): Inode | undefined {
    return this.#files.get(path)
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path)
  }

  create(path: string, text = ''): Inode {
    this.#count += 1
    const inode = { inode: this.#count, data: new TextEncoder().encode(text) }
    this.#files.set(path, inode)
    return inode
  }

  remove(path: string): boolean {
    return this.#files.delete(path)
  }

  rename(from: string, to: string): boolean {
    const file = this.#files.get(from)
    if (file === undefined) return false
    this.#files.delete(from)
    this.#files.set(to, file)
    return true
  }

  makeFolder(path: string): void {
    this.#folders.add(path)
  }

  removeFolder(path: string): boolean {
    return this.#folders.delete(path)
  }

  /** All that an arbiter may have left behind. */
  get paths(): readonly string[] {
    return [...this.#files.keys(), ...[...this.#folders].filter(path => path.split('/').length > 3)]
  }
}
