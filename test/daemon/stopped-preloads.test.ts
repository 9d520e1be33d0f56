/** A preload that is stopped before its process is started does not start one. */
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { resolve } from '../../config/resolve/resolve.ts'
import { startForkServer } from '../../daemon/forks/fork-server.ts'
import type { ErrorLog } from '../../daemon/logs/error-log.ts'
import { tryApp } from '../../daemon/try-app.ts'
import { makeFolder } from '../support/tsicorn.ts'

/** Each says that it was started, and then loads for longer than it may. */
const files = {
  'app.mjs': `import { writeFileSync } from 'node:fs'
writeFileSync('started', '')
await new Promise(done => setTimeout(done, 60_000))`,
  python: '#!/bin/sh\necho > started\nexec sleep 60\n',
}

describe('a preload that is stopped', () => {
  let folder: string
  const env = { PATH: process.env.PATH }
  const resolved = async (...flags: string[]) =>
    await resolve({
      argv: ['--preload', '--boot-timeout', '2', '-b', '127.0.0.1:0', ...flags],
      env,
      cwd: folder,
    })

  beforeEach(() => {
    folder = makeFolder(files)
    chmodSync(join(folder, 'python'), 0o755)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('while the certificate is read does not load the app', async () => {
    const controller = new AbortController()
    const outcome = tryApp(await resolved('./app.mjs'), { env, signal: controller.signal })
    controller.abort()
    expect(await outcome).to.equal('it was stopped')
    expect(existsSync(join(folder, 'started'))).to.equal(false)
  })

  it('before it begins does not start Python', async () => {
    const log = { info: () => undefined, error: () => undefined } as unknown as ErrorLog
    const options = { resolved: await resolved('-k', 'wsgi', '--python', './python', 'app:app'), env, log }
    expect(await startForkServer(options, AbortSignal.abort())).to.equal('it was stopped')
    expect(existsSync(join(folder, 'started'))).to.equal(false)
  })
})
