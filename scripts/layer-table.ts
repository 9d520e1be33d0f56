/** The layers of tsicorn: every source file has one, and imports only go down or stay level. */

export interface Layer {
  readonly layer: number
  /** Paths from the root; `*` stands for one name. The first pattern that fits a file counts, from top to bottom. */
  readonly files: readonly string[]
}

export const layers: readonly Layer[] = [
  {
    layer: 0,
    files: [
      'worker/protocol.ts',
      'worker/frame.ts',
      'worker/exit.ts',
      // The arbiter has Node run the file of the app.
      'worker/app-file.ts',
      'worker/scoreboard-layout.ts',
      // Both processes make contexts of TLS, and in the same way.
      'worker/tls-options.ts',
      // Both processes append to logs, and in the same way.
      'worker/log-file.ts',
      'worker/log-stream.ts',
      // Both open files in folders of others, and in the same way.
      'worker/safe-open.ts',
      ...['syslog', 'statsd', 'udp', 'line-stream'].map(name => `worker/${name}.ts`),
      'hooks/table.ts',
      'hooks/access-entry.ts',
      'hooks/logger.ts',
      'hooks/thrown.ts',
      'config/kinds.ts',
      'config/network.ts',
    ],
  },
  { layer: 5, files: ['daemon/main.ts', 'daemon/tsicorn.js', 'worker/main.ts', 'worker/preload.ts'] },
  {
    layer: 4,
    files: [
      ...[
        'arbiter',
        'arbiter-event',
        'server',
        'reloads',
        'upgrades',
        'stops',
        'no-effect',
        'deaths',
        'crash-loop',
        'waits',
        'herald',
        'check',
        'signals',
        'control',
      ].map(name => `daemon/${name}.ts`),
      'worker/worker.ts',
      'worker/every-second.ts',
      'worker/late-servers.ts',
    ],
  },
  {
    layer: 2,
    files: [
      'daemon/plan.ts',
      'daemon/deadlines.ts',
      'daemon/stragglers.ts',
      'daemon/phase.ts',
      'daemon/life.ts',
      'daemon/back-off.ts',
      'daemon/count.ts',
      'hooks/run.ts',
      'worker/log.ts',
      'worker/arbiter-channel.ts',
      'daemon/worker-message.ts',
      'daemon/token-bucket.ts',
    ],
  },
  { layer: 1, files: ['config/*.ts', 'config/settings/*.ts', 'hooks/check.ts'] },
  {
    layer: 3,
    files: [
      ...[
        'child',
        'app-binds',
        'worker-channel',
        'misconduct',
        'parent-channel',
        'orphans',
        'spawn',
        'fleet',
        'stuck',
        'inspector',
        'oom',
        'lineage',
        'reuse-port',
        'notify',
        'status',
        'inheritance',
        'descriptor',
        'death',
        'generation',
        'certificate',
        'renewals',
        'succession',
        'scale',
        'watch',
        'watch-area',
        'watcher',
      ].map(name => `daemon/${name}.ts`),
      ...['owner', 'pidfile', 'lock', 'process-identity', 'daemonize', 'captured-output'].map(
        name => `daemon/${name}.ts`,
      ),
      ...['sockets', 'socket-file', 'lost-socket', 'listeners', 'watch'].map(name => `daemon/${name}.ts`),
      ...['config-trial', 'config-trial-main', 'process-guard', 'script-runner'].map(
        name => `daemon/${name}.ts`,
      ),
      ...[
        'inbox',
        'alarm',
        'outlets',
        'backlog',
        'hook-queue',
        'scoreboard',
        'error-log',
        'log-line',
        'own-log',
        'logger-factory',
        'access-log',
      ].map(name => `daemon/${name}.ts`),
      'worker/app.ts',
      'worker/app-*.ts',
      'worker/adapters/*.ts',
      ...[
        'adopt-listen',
        'strays',
        'listen-request',
        'listen-address',
        'port-probe',
        'signals',
        'empty-queues',
        'tsx',
        'literal-reader',
      ].map(name => `worker/${name}.ts`),
      ...[
        'accepting',
        'serve',
        'request',
        'request-timeout',
        'request-id',
        'request-log',
        'readiness',
        'wear',
        'connections',
        'pending',
        'boot-failure',
        'refusal',
        'gate',
        'front',
        'tls',
        'http2',
        'http2-response',
        'descriptors',
        'slow-readers',
        'unread',
        'totals',
        'preface',
        'sessions',
        'response-end',
        'linger',
        'lost-client',
        'first-bytes',
        'app-failure',
        'peer',
        'response',
        'activity',
        'inspection',
        'service',
        'trust',
        'refuse',
        'body',
        'expectation',
        'front',
        'proxy-protocol',
        'acceptors',
        'upgrade',
        'upgraded-exchange',
      ].map(name => `worker/${name}.ts`),
      ...['pulse', 'identity', 'privileges', 'watchdog'].map(name => `worker/${name}.ts`),
      ...[
        'access-log',
        'access-lines',
        'access-outlet',
        'access-file',
        'access-format',
        'access-record',
        'request-metrics',
        'exchange',
      ].map(name => `worker/${name}.ts`),
    ],
  },
]

/**
 * Which folder may import from which, besides itself. The arbiter speaks the worker's language, the worker has never
 * heard of the arbiter, and the configuration knows neither. A pattern limits the permission to some files.
 */
export const folders: Readonly<Record<string, readonly string[]>> = {
  config: ['hooks/*.ts'],
  hooks: [],
  // The worker imports the user's hooks from the file of the configuration, and reads nothing else from there.
  worker: [
    'hooks/*.ts',
    'config/file.ts',
    'config/fresh.ts',
    'config/package.ts',
    'config/throwable.ts',
    'config/tsx.ts',
  ],
  daemon: [
    'config/*.ts',
    'config/settings/*.ts',
    'hooks/*.ts',
    ...layers[0]!.files.filter(file => file.startsWith('worker/')),
  ],
}

export const mostLines = 250

/** Files that a program writes may be as long as they like. */
export const generated: readonly string[] = ['config/option-docs.ts']
