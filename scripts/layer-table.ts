/** The rooms of tsicorn, with what each may import: a folder is a layer. `type:` allows types, gone at run time. */
const table: Readonly<Record<string, string>> = {
  hooks: '',
  'config/kinds': 'hooks',
  'config/settings': 'config/kinds',
  // The only parts of the configuration that a worker may import.
  'config/load': 'hooks',
  config: 'config/{kinds,load,settings} hooks',
  'config/resolve': 'config config/{kinds,load,settings} hooks',
  'config/print': 'config config/resolve hooks',

  // The messages on a control socket.
  'control/protocol': '',
  'control/client': 'control/protocol',
  'control/print': 'control/{client,protocol}',
  'control/top': 'control/{client,print,protocol}',
  control: 'control/{client,print,protocol,top}',

  // What runs in the browser.
  page: 'control/{print,protocol,top}',

  'worker/protocol': 'type:config type:config/resolve',
  'worker/net': '',
  'worker/sinks': 'worker/protocol',
  'worker/process': 'worker/protocol hooks',
  'worker/http': 'worker/{net,process,protocol} hooks',
  'worker/fetch': 'worker/http',
  'worker/page': 'worker/{http,protocol} hooks',
  'worker/app/adapters': 'worker/{fetch,http}',
  'worker/listen': 'worker/app/adapters worker/{http,net,protocol}',
  'worker/app': 'worker/app/adapters worker/{http,listen,page,process,protocol} config/load hooks',
  'worker/python': 'worker/protocol hooks',
  'worker/wsgi': 'worker/{http,net,process,protocol,python} hooks type:worker/app',
  'worker/access-log': 'worker/{http,net,process,protocol,sinks} hooks',
  'worker/balance': 'worker/protocol',
  'worker/sync': 'worker/{balance,http,net,process}',
  'worker/connection':
    'worker/app/adapters worker/{http,net,process,protocol} hooks type:worker/balance type:worker/sync',
  'worker/app-servers': 'worker/app/adapters worker/{app,connection,http,listen,net,process,protocol} hooks',
  'worker/server':
    'worker/app/adapters worker/{access-log,app,app-servers,balance,connection,http,listen,net,process,protocol,sync} hooks',
  // The main thread of a worker with threads.
  'worker/threads': 'worker/{process,protocol} hooks',
  worker:
    'worker/app/adapters worker/{access-log,app,app-servers,connection,fetch,process,protocol,server,threads,wsgi} hooks config/load',

  'daemon/state': 'type:hooks',
  // The arbiter's questions to the operating system.
  'daemon/system': 'worker/protocol hooks',
  'daemon/sockets': 'daemon/system worker/protocol config/{kinds,resolve}',
  'daemon/logs': 'daemon/{sockets,state} worker/{protocol,sinks} hooks config/{load,resolve}',
  'daemon/process': 'daemon/{sockets,state,system} worker/protocol hooks config config/resolve',
  'daemon/generation':
    'daemon/{logs,process,sockets,state,system} worker/protocol hooks config config/{kinds,load,resolve}',
  'daemon/kinds': 'daemon/{logs,system} worker/protocol config/kinds type:config hooks',
  'daemon/workers': 'daemon/{generation,kinds,logs,process,sockets,state,system} worker/protocol hooks',
  'daemon/forks': 'daemon/{generation,logs,system} worker/{protocol,python} hooks type:config/resolve',
  'daemon/scaling': 'daemon/{logs,sockets,state} worker/protocol config/resolve',
  'daemon/control':
    'control/protocol daemon/{generation,logs,process,sockets,state,system,workers} worker/protocol config/{print,resolve}',
  'daemon/metrics': 'control/protocol daemon/{control,kinds,state,system,workers} worker/protocol',
  'daemon/admin':
    'control/protocol daemon/{control,logs,metrics,sockets,system} worker/protocol hooks config/{kinds,resolve}',
  'daemon/arbiter':
    'daemon/{admin,control,generation,kinds,logs,process,scaling,sockets,state,workers} worker/protocol hooks config config/{kinds,load,resolve}',
  daemon:
    'daemon/{admin,arbiter,control,forks,generation,kinds,logs,process,sockets,system,workers} worker/protocol hooks config/{kinds,load,print,resolve}',
}

export const rooms: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(table).map(([room, others]) => [room, new Set(others.split(' ').flatMap(expand))]),
)

/** Expands `a/{b,c}` to `a/b` and `a/c`. */
function expand(pattern: string): string[] {
  const [, folder = '', names = ''] = /^(.+\/)\{(.+)\}$/.exec(pattern) ?? []
  return folder === '' ? [pattern] : names.split(',').map(name => folder + name)
}

/** Rooms whose code depends on its arguments only, not on the machine: no `node:` imports. */
export const pure: readonly string[] = ['daemon/state']

export const mostFiles = 12
export const mostLines = 250

/** Generated files may have any length. */
export const generated: readonly string[] = ['config/option-docs.ts']
