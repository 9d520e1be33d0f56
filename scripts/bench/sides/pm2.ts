/** PM2 in cluster mode, in the foreground, with a home of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { inPackage, program } from './cache.ts'
import { environment } from './node.ts'
import type { Place, Side } from './setup.ts'

const bin = (name: string) => inPackage(`pm2/bin/${name}`)
const home = ({ folder }: Place) => ({ PM2_HOME: `${folder}/home` })

export const pm2: Side = {
  title: 'PM2',
  packages: ['pm2@7.0.4'],
  serve(setup, place) {
    if (setup.extra !== 'nothing') return undefined
    const args = [bin('pm2-runtime'), 'start', program('serve'), '-i', `${setup.workers}`, '--name', 'bench']
    return { program: process.execPath, args, env: { ...environment(setup, place), ...home(place) } }
  },
  version: { program: process.execPath, args: [bin('pm2'), '--version'] },
  reload: (_pid, place) =>
    promisify(execFile)(process.execPath, [bin('pm2'), 'reload', 'bench'], {
      env: { ...process.env, ...home(place) },
    }),
  isSupervised: true,
  workers: 'processes of Node',
}
