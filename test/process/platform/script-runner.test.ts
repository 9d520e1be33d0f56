/** A server that npm has started warns that signals to npm do not reach it, and only where that is so. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { launch } from '../../support/tsicorn.ts'

const command = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))
const app = { 'app.mjs': `export default (_req, res) => res.end('hello')` }
const env = {
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  npm_config_offline: 'true',
  npm_config_user_agent: 'npm/11',
}

describe('a server that npm has started', () => {
  it('says that npm hands on no signals, and to whom to send them', async () => {
    // A shell that has nothing else to do may put the command in its own place.
    const start = `node ${command} -b 127.0.0.1:0 ./app.mjs; exit $?`
    const server = launch({
      command: ['npm', 'start'],
      files: { ...app, 'package.json': JSON.stringify({ scripts: { start } }) },
      env,
    })
    const [, npm, arbiter] = await server.says(
      /\[WARNING\] Started by npm \(pid (\d+)\), which hands on no signals: send them to pid (\d+), or start/,
    )
    expect(Number(npm)).to.equal(server.pid)
    await server.running()
    process.kill(Number(arbiter), 'SIGTERM')
    expect((await server.ended).code).to.equal(0)
  })

  it('says nothing where there is no shell in between', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: app, env })
    await server.running()
    expect(server.log).not.to.match(/Started by/)
  })
})
