/** `node:fs` of a simulated machine, as far as the arbiter uses it. */

import { constants as real } from 'node:fs'
import type { Inode } from '../machine/file-table.ts'
import { machine } from '../machine/machine.ts'
import { systemError } from '../machine/system-error.ts'

export const constants = real

function found(path: string): Inode {
  const inode = machine().files.find(path)
  if (inode === undefined) throw systemError('ENOENT')
  return inode
}

function inodeOf(fd: number): Inode {
  const file = machine().descriptors.get(fd)
  if (file?.kind !== 'file') throw systemError('EBADF')
  return file.file
}

export function openSync(path: string, flags: number | string): number {
  const { files, faults } = machine()
  const isNew = typeof flags === 'string' ? flags.startsWith('w') : (flags & real.O_CREAT) !== 0
  if (isNew && faults.has('disk full')) throw systemError('ENOSPC')
  if (faults.has('no descriptors')) throw systemError('EMFILE')
  return machine().open({ kind: 'file', file: isNew ? files.create(path) : found(path) })
}

export function closeSync(fd: number): void {
  machine().close(fd)
}

export function writeSync(fd: number, data: unknown, ...places: readonly unknown[]): number {
  const inode = inodeOf(fd)
  const bytes =
    typeof data === 'string'
      ? new TextEncoder().encode(data)
      : new Uint8Array(
          (data as Uint8Array).buffer,
          (data as Uint8Array).byteOffset,
          (data as Uint8Array).byteLength,
        )
  const at = typeof places[2] === 'number' ? places[2] : 0
  const end = at + bytes.length
  if (end > inode.data.length) {
    if (machine().faults.has('disk full')) throw systemError('ENOSPC')
    const larger = new Uint8Array(end)
    larger.set(inode.data)
    inode.data = larger
  }
  inode.data.set(bytes, at)
  return bytes.length
}

export function readSync(fd: number, into: Uint8Array, offset: number, length: number, at: number): number {
  const { data } = inodeOf(fd)
  const isScoreboard = data.length > 1_000
  if (isScoreboard && machine().faults.has('scoreboard unreadable')) throw systemError('EIO')
  machine().beat()
  const part = data.subarray(at, at + length)
  new Uint8Array(into.buffer, into.byteOffset + offset, length).set(part)
  return part.length
}

export function fstatSync(fd: number) {
  const { inode, data } = inodeOf(fd)
  return stats(inode, data.length)
}

export function lstatSync(path: string) {
  const { inode, data } = found(path)
  return stats(inode, data.length)
}

export function statSync(path: string, { throwIfNoEntry = true }: { throwIfNoEntry?: boolean } = {}) {
  const { files } = machine()
  if (files.isFolder(path)) return { ...stats(0, 0), isDirectory: () => true, isFile: () => false }
  const inode = files.find(path)
  if (inode === undefined && !throwIfNoEntry) return undefined
  return lstatSync(path)
}

function stats(inode: number, size: number) {
  return {
    ...{ dev: 1n, ino: BigInt(inode), size: BigInt(size), nlink: 1n, uid: 0 },
    isFile: () => true,
    isDirectory: () => false,
    isSocket: () => false,
  }
}

export function readFileSync(path: string): string {
  return new TextDecoder().decode(found(path).data)
}

export function renameSync(from: string, to: string): void {
  if (!machine().files.rename(from, to)) throw systemError('ENOENT')
}

export function unlinkSync(path: string): void {
  if (!machine().files.remove(path)) throw systemError('ENOENT')
}

export function rmSync(path: string): void {
  machine().files.remove(path)
}

export function mkdtempSync(prefix: string): string {
  const { files, faults, newPid } = machine()
  if (faults.has('disk full')) throw systemError('ENOSPC')
  const path = `${prefix}${newPid.call(machine())}`
  files.makeFolder(path)
  return path
}

export function rmdirSync(path: string): void {
  if (!machine().files.removeFolder(path)) throw systemError('ENOENT')
}

export function readdirSync(): string[] {
  return []
}

export function readlinkSync(): string {
  throw systemError('ENOENT')
}

export function realpathSync(path: string): string {
  return path
}

export function existsSync(path: string): boolean {
  return machine().files.find(path) !== undefined || machine().files.isFolder(path)
}

/** What no simulated arbiter comes to. */
function absent(): never {
  throw new Error('This is not simulated')
}

export const [
  chownSync,
  fchmodSync,
  fchownSync,
  lchownSync,
  lutimesSync,
  open,
  unwatchFile,
  watchFile,
  write,
  writeFileSync,
] = Array.from({ length: 10 }, () => absent)
