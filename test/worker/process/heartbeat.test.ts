/** The heartbeat of a worker never throws: it runs in a timer. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { HeartbeatOptions } from '../../../worker/process/heartbeat.ts'
import { newRecord, readRecords } from '../../../worker/protocol/scoreboard.ts'

const source = new URL('../../../worker/process/heartbeat.ts', import.meta.url)

describe('the heartbeat', () => {
  for (const name of ['cpuUsage', 'memoryUsage'] as const) {
    it(`is written where the kernel refuses ${name}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tsicorn-heartbeat-'))
      const fd = openSync(join(folder, 'scoreboard'), 'wx+')
      const { [name]: original } = process
      const refuse = () => {
        throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
      }
      Object.assign(process, { [name]: Object.assign(refuse, { rss: refuse }) })
      try {
        // As the module takes it when it is loaded.
        const { startHeartbeat } = (await import(`${source.href}?without-${name}`)) as {
          startHeartbeat(options: HeartbeatOptions): void
        }
        const nothing = () => undefined
        const record = newRecord()
        startHeartbeat({
          fd,
          slot: 0,
          age: 3,
          record,
          onOrphaned: nothing,
          onSecond: nothing,
          onTrouble: nothing,
        })
        expect(readRecords(fd, 1)[0]).to.include({ age: 3 })
        expect(readRecords(fd, 1)[0]?.heartbeat).to.be.above(0)
      } finally {
        Object.assign(process, { [name]: original })
        closeSync(fd)
        rmSync(folder, { recursive: true })
      }
    })
  }
})
