/** Settings as the code uses them: addresses in parts, paths made absolute, receivers of logs and metrics. */
import { expect } from 'chai'
import type { Parsed } from '../../../config/resolve/parsed.ts'
import { resolved } from './resolving.ts'

describe('parsed settings', () => {
  const cases: readonly { argv: readonly string[]; parsed: Partial<Parsed> }[] = [
    {
      argv: [],
      parsed: {
        name: './app.js',
        addresses: [{ kind: 'tcp', host: '127.0.0.1', port: 8000 }],
        pidfile: null,
        errorlog: '-',
        accesslog: null,
        syslog: null,
        statsd: null,
      },
    },
    { argv: ['-n', 'shop'], parsed: { name: 'shop' } },
    {
      argv: ['--pid', 'run/p', '--error-logfile', 'e.log', '--access-logfile', '/a.log', '-b', 'unix:s'],
      parsed: {
        pidfile: '/run/p',
        errorlog: '/e.log',
        accesslog: '/a.log',
        addresses: [{ kind: 'unix', path: '/s' }],
      },
    },
    { argv: ['--access-logfile', '-'], parsed: { accesslog: '-' } },
    {
      argv: ['-b', '[::1]:80', '-b', 'fd://3'],
      parsed: {
        addresses: [
          { kind: 'tcp', host: '::1', port: 80 },
          { kind: 'fd', fd: 3 },
        ],
      },
    },
    {
      argv: ['--log-syslog', '--log-syslog-to', 'udp://log:9'],
      parsed: {
        syslog: {
          address: { kind: 'udp', host: 'log', port: 9, text: 'udp://log:9' },
          facility: 'user',
          prefix: 'app.js',
        },
      },
    },
    {
      argv: ['--statsd-host', 'm:1', '--statsd-prefix', 'shop', '--dogstatsd-tags', 'a:b'],
      parsed: { statsd: { host: 'm', port: 1, text: 'm:1', prefix: 'shop', tags: 'a:b' } },
    },
  ]
  for (const { argv, parsed } of cases) {
    it(`of ${argv.join(' ') || 'no flags'}`, async () => {
      const found = await resolved({ argv: ['--chdir', '/', ...argv, './app.js'] })
      expect(found.parsed).to.deep.include(parsed)
    })
  }
})
