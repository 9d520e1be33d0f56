/** The file of the status page, as the bundler has made it, and what browsers may do with it. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { packageFolder } from '../../hooks/own-files.ts'

export interface PageFile {
  readonly body: Buffer
  readonly etag: string
  /** Its `Content-Security-Policy`: only its own style and script, and only this server to talk to. */
  readonly policy: string
}

/** @throws Error with a message for the user if the file cannot be read */
export async function readPage(): Promise<PageFile> {
  const body = await readFile(new URL('dist/status-page.html', packageFolder)).catch((cause: Error) => {
    throw new Error(`The status page cannot be read: ${cause.message}`, { cause })
  })
  const html = body.toString()
  return { body, etag: `"${sha256(html)}"`, policy: policyFor(html) }
}

function policyFor(html: string): string {
  const hashes = (name: string) =>
    Array.from(
      html.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs')),
      ([, text = '']) => `'sha256-${sha256(text)}'`,
    ).join(' ')
  return [
    "default-src 'none'",
    `script-src ${hashes('script')}`,
    `style-src ${hashes('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
