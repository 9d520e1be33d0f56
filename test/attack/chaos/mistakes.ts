/** What people and machines get wrong in a configuration or an app that is about to be loaded. */
import { configuration, goodApp } from './world.ts'

const never = 'await new Promise(resolve => setTimeout(resolve, 1e9))'
const late = `setTimeout(() => { throw new Error('late') }, 200)`

/** Hooks of the arbiter that a reload calls, and what may become of each. */
const hooks: Readonly<Record<string, string>> = {
  throws: `throw new Error('by a hook')`,
  'throws nothing': 'throw undefined',
  hangs: never,
  'never settles': 'await new Promise(() => undefined)',
  'throws later': late,
  'is rejected later': `void (async () => { await null; throw new Error('late') })()`,
  'exits the process': 'process.exit()',
  'replaces a global':
    'const { now } = Date; Date.now = () => NaN; setTimeout(() => { Date.now = now }, 300)',
}

const hookNames = [
  'on_reload',
  'pre_fork',
  'child_exit',
  'nworkers_changed',
  'post_fork',
  'post_worker_init',
  'worker_exit',
]

const ofHooks = Object.entries(hooks).flatMap(([what, body]) =>
  hookNames.map(name => [`${name} ${what}`, configuration(`async ${name}() { ${body} },`)] as const),
)

export const badConfigurations: Readonly<Record<string, string>> = {
  'syntax error': 'export default {',
  'no export': 'const unused = 1',
  'wrong value': configuration(`workers: 'many',`),
  'unknown setting': configuration('wrokers: 2,'),
  throws: configuration('', `throw new Error('by the configuration')`),
  'throws nothing': configuration('', 'throw undefined'),
  'floating rejection': configuration('', `Promise.reject(new Error('floating'))`),
  'throws in a timer': configuration('', late),
  exits: configuration('', 'process.exit()'),
  'exits later': configuration('', 'setTimeout(() => process.exit(1), 100)'),
  'never settles': configuration('', never),
  'blocks for a second': configuration('', 'const until = Date.now() + 1000; while (Date.now() < until);'),
  'function that hangs': `export default async () => { ${never} }`,
  'function that throws': `export default () => { throw new Error('by the function') }`,
  'function that returns nothing': 'export default () => undefined',
  'address of somebody else': configuration(`bind: ['192.0.2.1:80'],`),
  'access log nowhere': configuration(`accesslog: '/nowhere/at/all/access.log',`),
  'folder nowhere': configuration(`chdir: '/nowhere/at/all',`),
  'pidfile nowhere': configuration(`pidfile: '/nowhere/at/all/app.pid',`),
  ...Object.fromEntries(ofHooks),
}

export const goodConfigurations: Readonly<Record<string, string>> = {
  plain: configuration(),
  'one worker': configuration('workers: 1,'),
  'three workers': configuration('workers: 3,'),
  'a function': configuration().replace('export default', 'export default () => (').concat(')'),
  'hooks that say something': configuration(
    'on_reload(server) { server.log.info("reload") }, child_exit() {},',
  ),
  'another pidfile': configuration(`pidfile: '../other.pid',`),
  'no access log': configuration('accesslog: null,'),
  'one address more': configuration(`bind: ['127.0.0.1:0', 'unix:../app.sock', 'unix:../more.sock'],`),
}

export const badApps: Readonly<Record<string, string>> = {
  'syntax error': 'export default (',
  'throws on load': `throw new Error('by the app')`,
  'rejected on load': `await Promise.reject(new Error('by the app'))`,
  'hangs on load': never,
  'blocks on load': 'for (;;);',
  'exits on load': 'process.exit(0)',
  'aborts on load': 'process.abort()',
  'ends itself on load': `process.kill(process.pid, 'SIGKILL')`,
  'wrong export': 'export default 7',
  'no export': `const unused = ${JSON.stringify(goodApp)}`,
  'unknown import': `import './nowhere.mjs'`,
  'messages on load': `process.send?.({ type: 'ready' }); process.send?.({ type: 'log' }); ${never}`,
}
