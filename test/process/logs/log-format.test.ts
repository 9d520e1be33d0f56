/** With JSON, the error log has an object on each line, captured output included, until a reload sets text. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

const config = (format: string) =>
  `export default { app: './app.mjs', bind: '127.0.0.1:0', errorlog: 'error.log', capture_output: true, log_format: '${format}' }`

describe('log_format', () => {
  it('json makes an object of every line, and a reload changes it', async () => {
    const server = launch({
      files: {
        'app.mjs': `console.log('loading')\nexport default (req, res) => res.end('hello')`,
        'tsicorn.config.mjs': config('json'),
      },
    })
    await grows(server, /"Running: 1 worker ready"/)
    const lines = server.read('error.log').trim().split('\n')
    const records = lines.map(line => JSON.parse(line) as Record<string, unknown>)
    expect(records.map(({ message }) => message)).to.include('loading')
    expect(records.find(({ message }) => message === 'Running: 1 worker ready')).to.deep.include({
      pid: server.pid,
      level: 'info',
    })
    server.write('tsicorn.config.mjs', config('text'))
    server.signal('SIGHUP')
    await grows(server, /\[INFO\] Reload 1: generation 2 serves/)
  })
})

async function grows(server: Tsicorn, pattern: RegExp): Promise<void> {
  const isThere = () => existsSync(join(server.folder, 'error.log')) && pattern.test(server.read('error.log'))
  await eventually(`the log says ${pattern}`, isThere)
}
