/**
 * Makes the pictures of the status page in `docs/status-page`: `npm run screenshots -- [NAME]...`. It needs the
 * bundle and Chromium, and takes a few minutes.
 */
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { openChromium } from '../../test/support/http/chromium.ts'
import { freePort, makeFolder, Tsicorn } from '../../test/support/tsicorn.ts'

const folder = join(import.meta.dirname, '../../docs/status-page')
const app = (more = '') => `${more}
import { setTimeout as sleep } from 'node:timers/promises'
await sleep(1_500)
export default async (req, res) => {
  const wave = 1 + Math.sin(Date.now() / 7_000)
  await sleep(Math.random() < 0.03 ? 80 + 60 * wave : 6 * Math.random() * wave)
  res.end('hello')
}`

interface Picture {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
  /** Seconds to look before the picture is taken. */
  readonly look: number
  /** Requests per second. */
  readonly load: number
  readonly before?: (server: Tsicorn, page: Page) => Promise<void>
}

const desktop = { width: 1280, height: 880 }

const pictures: Readonly<Record<string, Picture>> = {
  idle: { ...desktop, scheme: 'light', look: 20, load: 0 },
  load: { width: 1280, height: 1190, scheme: 'light', look: 110, load: 120 },
  reload: {
    ...desktop,
    scheme: 'dark',
    look: 70,
    load: 120,
    before: async (server, page) => {
      server.signal('SIGHUP')
      await page.getByText(/Reloading: [123] of 4 workers/).waitFor()
      await sleep(1_200)
    },
  },
  'crash-loop': {
    ...desktop,
    scheme: 'light',
    look: 45,
    load: 60,
    before: async (server, page) => {
      server.write('broken', '')
      for (const pid of server.workers.slice(0, 3)) process.kill(pid, 'SIGKILL')
      await page.getByText(/Workers keep ending/).waitFor({ timeout: 60_000 })
      await sleep(12_000)
    },
  },
  phone: { width: 360, height: 740, scheme: 'dark', look: 45, load: 60 },
}

const names = process.argv.slice(2)
const browser = await openChromium()
for (const [name, picture] of Object.entries(pictures))
  if (names.length === 0 || names.includes(name)) await take(browser, name, picture)
await browser.close()

async function take(from: Browser, name: string, picture: Picture): Promise<void> {
  const port = await freePort()
  const files = {
    'shop.mjs': app(`import { existsSync } from 'node:fs'
if (existsSync('broken')) throw new Error('Cannot connect to the database at db.internal:5432')`),
    token: 'a-token-for-pictures',
  }
  const args = ['-b', '127.0.0.1:0', '-w', '4', '--name', 'shop', '--metrics-bind', `127.0.0.1:${port}`]
  const server = new Tsicorn(makeFolder(files), {
    args: [...args, '--status-token-file', 'token', './shop.mjs'],
    errors: true,
  })
  const url = await server.running()
  const load = new AbortController()
  void ask(url, picture.load, load.signal)
  const { width, height, scheme: colorScheme } = picture
  const page = await from.newPage({ viewport: { width, height }, colorScheme })
  try {
    await page.goto(`http://127.0.0.1:${port}/`)
    await sleep(picture.look * 1_000)
    await picture.before?.(server, page)
    await page.screenshot({ path: join(folder, `${name}.png`) })
    console.log(`Wrote ${name}.png`)
  } finally {
    await page.close()
    load.abort()
    await server.cleanUp(false)
  }
}

/** Sends requests in a rhythm that is not quite even. */
async function ask(url: string, perSecond: number, signal: AbortSignal): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 24 })
  while (perSecond > 0 && !signal.aborted) {
    http
      .get(url, { agent }, res => res.resume())
      // A worker may end under it.
      .on('error', () => undefined)
    const wave = 1 + 0.35 * Math.sin(Date.now() / 11_000)
    await sleep((2_000 * Math.random()) / (perSecond * wave))
  }
  agent.destroy()
}
