/**
 * A process with an access log, as small as possible: says its port, obeys `reopen` and `close`, and answers `done`.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { openAccessLog } from '../../../worker/access-log/access-log.ts'
import { track } from './logged.ts'

const log = await openAccessLog({
  accesslog: process.argv[2]!,
  access_log_format: '"%(r)s" %(s)s %(b)s',
  onError(message) {
    throw new Error(message)
  },
})
const server = http.createServer((req, res) => {
  track(log, req, res)
  res.end('hello')
})
process.on('message', async (deed: 'reopen' | 'close') => {
  await log[deed]()
  process.send?.('done')
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
