/** The environment in which applications run. */
import { mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/**
 * The environment of a shell whose home is in the application's folder: without the variables of npm, which runs this
 * script, without any that say where to listen, and without telemetry.
 */
export function environmentOf(folder: string, node: string): NodeJS.ProcessEnv {
  const home = join(folder, '.home')
  mkdirSync(home, { recursive: true })
  const strange = /^(npm_|XDG_|TSICORN_|PORT$|HOST$|HOSTNAME$|NODE_|WEB_CONCURRENCY$|INIT_CWD$)/
  const kept = Object.entries(process.env).filter(([name]) => !strange.test(name))
  return {
    ...Object.fromEntries(kept),
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    HOME: home,
    CI: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    ASTRO_TELEMETRY_DISABLED: '1',
    NUXT_TELEMETRY_DISABLED: '1',
  }
}
