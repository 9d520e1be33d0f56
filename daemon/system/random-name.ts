/** A part of a file's name that nobody can guess. Cryptography takes long to load, and is loaded only when it is used. */
export function randomName(): string {
  return process.getBuiltinModule('node:crypto').randomBytes(6).toString('hex')
}
