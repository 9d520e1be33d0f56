/** What `defineConfig` accepts and returns; most of it is proved by `npm run types`. */
import { expect } from 'chai'
import { type Config, defineConfig } from '../../../config/index.ts'

const shared: Config = { workers: 2 }
const either: Config | (() => Config) = Math.random() < 2 ? { app: 'a' } : () => ({ app: 'b' })

const good = [
  defineConfig({ app: 'a', loglevel: 'debug', when_ready: server => server.log.info('ready') }),
  defineConfig(() => ({ workers: 'auto', loglevel: 'debug', http_protocols: ['h1', 'h2'] })),
  defineConfig(({ env, command }) => ({ app: env.APP ?? 'a', workers: command === 'serve' ? 'auto' : 1 })),
  defineConfig(async () => ({ ...shared, when_ready: server => server.log.info('ready') })),
  defineConfig(({ env }) => (env.APP ? { app: env.APP, workers: 2 } : { app: 'a' })),
  defineConfig((): Config => shared),
  defineConfig(async (): Promise<Config> => shared),
  defineConfig(either),
]

const wrong = [
  // @ts-expect-error
  defineConfig({ workerz: 2 }),
  // @ts-expect-error
  defineConfig(() => ({ workerz: 2 })),
  // @ts-expect-error
  defineConfig(async () => ({ workerz: 2 })),
  // @ts-expect-error
  defineConfig(() => ({ app: 'a', workerz: 2 })),
  // @ts-expect-error
  defineConfig(async () => ({ app: 'a', workerz: 2 })),
  // @ts-expect-error
  defineConfig(({ env }) => (env.APP ? { app: 'a', workerz: 2 } : { app: 'b' })),
  // @ts-expect-error
  defineConfig(() => ({ workers: 'many' })),
  // @ts-expect-error
  defineConfig(async () => ({ workers: 'many' })),
]

describe('defineConfig', () => {
  it('gives back what it is given, whatever TypeScript says of it', () => {
    for (const config of [...good, ...wrong]) expect(['object', 'function']).to.include(typeof config)
  })
})
