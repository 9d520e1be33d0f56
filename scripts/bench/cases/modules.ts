/** How many files of code the processes of a server that runs on Node have loaded. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { recordingTo } from '../../generate/evaluated.ts'
import { membersOf } from '../process-tree.ts'
import { startServer } from '../sides/server.ts'
import { usualSetup } from '../sides/setup.ts'
import type { Case } from './case.ts'

interface Loaded {
  readonly files: number
  readonly kilobytes: number
}

export const modules: Case = {
  title: 'files of code loaded, those of Node not counted',
  setup: usualSetup,
  figures: ['filesFirst', 'bytesFirst', 'filesWorker', 'bytesWorker'],
  lasts: () => 4,
  suits: side => side.workers !== 'processes of Python',
  async measure(side) {
    const folder = mkdtempSync(join(tmpdir(), 'tsicorn-bench-'))
    const server = await startServer(side, usualSetup, recordingTo(folder))
    try {
      // Until all workers have started.
      await sleep(2_000)
      const [first, worker] = membersOf(server.pid)
      const [ofFirst, ofWorker] = [await loadedBy(first?.pid, folder), await loadedBy(worker?.pid, folder)]
      return {
        ...(ofFirst && { filesFirst: ofFirst.files, bytesFirst: ofFirst.kilobytes }),
        ...(ofWorker && { filesWorker: ofWorker.files, bytesWorker: ofWorker.kilobytes }),
      }
    } finally {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** Undefined if there is no such process, or it does not write down what it has loaded. */
async function loadedBy(pid: number | undefined, folder: string): Promise<Loaded | undefined> {
  if (pid === undefined) return undefined
  process.kill(pid, 'SIGURG')
  for (let tries = 0; !existsSync(join(folder, `${pid}.written`)); tries += 1) {
    if (tries > 300) return undefined
    await sleep(10)
  }
  const names = readdirSync(folder).filter(file => file.startsWith(`coverage-${pid}-`))
  const urls = names.flatMap(name => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      readonly result: readonly { readonly url: string }[]
    }
    return result.map(({ url }) => url).filter(url => url.startsWith('file:'))
  })
  const files = [...new Set(urls)].map(url => fileURLToPath(url)).filter(file => existsSync(file))
  const bytes = files.reduce((total, file) => total + statSync(file).size, 0)
  return { files: files.length, kilobytes: bytes / 1_000 }
}
