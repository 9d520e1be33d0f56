/** The compared servers: tsicorn from this repository, and PM2 from npm, with the same app and two workers each. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../free-port.ts'

const run = promisify(execFile)

const app = fileURLToPath(new URL('./app.cjs', import.meta.url))
const command = fileURLToPath(new URL('../../daemon/tsicorn.js', import.meta.url))

export interface RunningServer {
  readonly port: number
  stop(): Promise<void>
}

/** A temporary folder with the real PM2, and the way to start a server with it. */
export interface Pm2 {
  readonly version: string
  start(): Promise<RunningServer>
  remove(): void
}

export async function startTsicorn(): Promise<RunningServer> {
  const port = await freePort()
  const { PORT: _, ...env } = process.env
  const args = [command, '-w', '2', '-b', `127.0.0.1:${port}`, app]
  // The app listens on the port that is bound.
  const child = spawn(process.execPath, args, {
    env: { ...env, PORT: `${port}` },
    cwd: import.meta.dirname,
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  await untilServed(port)
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Installs PM2 from the npm registry, which takes a moment. */
export async function installPm2(version: string): Promise<Pm2> {
  const folder = mkdtempSync(join(tmpdir(), 'tsicorn-poison-'))
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `pm2@${version}`])
  const pm2 = join(folder, 'node_modules/pm2/bin/pm2')
  const env = { ...process.env, PM2_HOME: join(folder, 'home') }
  const tell = (words: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, [pm2, ...words], { env: { ...env, ...more } })
  return {
    version,
    async start() {
      const port = await freePort()
      await tell(['start', app, '-i', '2', '--name', 'poison'], { PORT: `${port}` })
      await untilServed(port)
      return {
        port,
        async stop() {
          await tell(['kill'])
        },
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Resolves when several requests in a row were served: one worker may be ready before the other. */
async function untilServed(port: number): Promise<void> {
  for (let served = 0, tries = 0; served < 10; tries += 1) {
    if (tries > 600) throw new Error(`Nobody serves on port ${port}`)
    const isServed = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
      response => response.ok,
      () => false,
    )
    served = isServed ? served + 1 : 0
    await sleep(100)
  }
}
