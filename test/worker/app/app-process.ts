/** A stand-in for the worker: loads the app named in its arguments and serves it on descriptor 3. */
import { createServer } from 'node:http'
import { flushCompileCache } from 'node:module'
import { type AppServer, type LoadOptions, loadApp } from '../../../worker/app/load.ts'
import { appSurvives, runApp } from '../../../worker/app/main-module.ts'
import { Descriptors } from '../../../worker/listen/descriptors.ts'

// The channel to the arbiter keeps a real worker alive, except while something is pending.
process.channel!.unref()
process.once('beforeExit', () => process.channel!.ref())
const report = process.send!.bind(process)

const options: Omit<LoadOptions, 'isLeaving' | 'late' | 'log' | 'run' | 'survives'> = JSON.parse(
  process.argv[2]!,
)
// What the worker would track its connections by.
const announced: { readonly server: AppServer; readonly listening: boolean }[] = []
try {
  const onListen = (server: AppServer) => announced.push({ server, listening: server.listening })
  const app = await loadApp({
    ...options,
    onListen,
    isLeaving: () => false,
    late: {
      descriptors: new Descriptors(options.listeners),
      onUnbound: () => undefined,
      takeOver: async () => false,
    },
    survives: appSurvives,
    run: async url => await runApp(url, { tsx: true }),
    log: (level, message) => report({ log: `${level}: ${message}` }),
  })
  const server: AppServer = app.server ?? createServer(app.listener)
  if (app.intercepted.length === 0 && !options.check) {
    server.listen({ fd: 3 })
    await new Promise(resolve => server.once('listening', resolve))
  }
  // It is killed when it has told, and keeps nothing then.
  flushCompileCache()
  const { shape, intercepted, upgrade } = app
  const early = announced.some(one => one.server === app.server && !one.listening)
  report({
    loaded: {
      shape,
      ...(intercepted.length > 0 ? { listening: intercepted.map(({ listener }) => listener.fd) } : {}),
      ...(intercepted.length > 0 ? { intercepted: intercepted.length } : {}),
      upgrade: upgrade !== undefined,
      early,
      address: server.address(),
    },
  })
  process.channel!.ref()
  process.on('message', async () => {
    await app.close?.()
    process.exit()
  })
} catch (error) {
  const { name, message, stack } = error as Error
  report({ failed: { name, message, stack } }, () => process.exit(1))
}
