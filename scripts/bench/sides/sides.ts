/** The table of the compared servers. */
import { spawnSync } from 'node:child_process'
import { gunicornCommand, gunicornSync, gunicornThreads } from './gunicorn.ts'
import { bare, cluster, limit } from './node.ts'
import { pm2 } from './pm2.ts'
import type { Side } from './setup.ts'
import { tsicorn } from './tsicorn.ts'
import { watt } from './watt.ts'

export const sides = {
  limit,
  bare,
  tsicorn,
  cluster,
  pm2,
  watt,
  'gunicorn-sync': gunicornSync,
  'gunicorn-gthread': gunicornThreads,
} as const satisfies Readonly<Record<string, Side>>

export type SideName = keyof typeof sides

/** False for Gunicorn where it is not installed: the others come from npm. */
export function isAvailable(name: string): boolean {
  return !name.startsWith('gunicorn') || spawnSync(gunicornCommand, ['--version']).error === undefined
}
