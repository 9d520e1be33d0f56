/** A Node.js that is too old is refused with one line instead of an error of syntax. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const command = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

describe('the version of Node.js', () => {
  let folder: string
  let preload: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-old-node-'))
    preload = join(folder, 'pretend.cjs')
    writeFileSync(
      preload,
      `const { PRETENDED: node } = process.env
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node } })
       Object.defineProperty(process, 'version', { value: 'v' + node })`,
    )
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const version of ['18.20.8', '20.19.5', '22.17.1', '23.11.1', '24.10.0', '25.9.0']) {
    it(`${version} is refused with one line and exit code 1`, () => {
      expect(run(process.execPath, ['--require', preload], version)).to.deep.equal(refusal(version))
    })
  }

  for (const version of ['22.18.0', '24.11.0', '26.0.0', '28.1.0']) {
    it(`${version} is accepted`, () => {
      expect(run(process.execPath, ['--require', preload], version)).to.include({ status: 0, stderr: '' })
    })
  }

  // Where there is one, it shows that an old version understands the file at all.
  for (const { program, version } of oldNodes()) {
    it(`${version} of this machine is refused with one line and exit code 1`, () => {
      expect(run(program, [])).to.deep.equal(refusal(version))
    })
  }
})

function run(program: string, args: readonly string[], pretended = '') {
  const { status, stdout, stderr } = spawnSync(program, [...args, command, '--version'], {
    env: { ...process.env, PRETENDED: pretended },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

function refusal(version: string) {
  const stderr = `tsicorn needs Node.js 22.18 or later, 24.11 or later, or 26 or later, and this is v${version}\n`
  return { status: 1, stdout: '', stderr }
}

/** The programs called `node` on the path that are older than 22. */
function oldNodes(): { readonly program: string; readonly version: string }[] {
  const named = (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, 'node'))
  const programs = new Set(named.filter(existsSync).map(path => realpathSync(path)))
  return [...programs].flatMap(program => {
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
    const version = stdout.trim().slice(1)
    return Number.parseInt(version, 10) < 22 ? [{ program, version }] : []
  })
}
