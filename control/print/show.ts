/** Prints what a server says about itself. */
import type { Instance } from '../client/instances.ts'
import type { Everything, Hello, ListenerRow, ReloadOutcome, Stats, WorkerRow } from '../protocol/messages.ts'
import { stateStyle, styled, table } from './tables.ts'
import { duration, mebibytes, milliseconds, percent } from './units.ts'

export function listText(instances: readonly Pick<Instance, 'hello'>[]): string {
  if (instances.length === 0) return 'No server of this user runs'
  return table(
    instances.map(({ hello }) => hello),
    [
      { title: 'PID', side: 'right', text: ({ pid }) => `${pid}` },
      { title: 'NAME', text: ({ name }) => name },
      { title: 'PHASE', text: ({ phase }) => phase, style: ({ phase }) => stateStyle(phase) },
      { title: 'WORKERS', side: 'right', text: ({ ready, wanted }) => `${ready}/${wanted}` },
      { title: 'GENERATION', side: 'right', text: ({ generation }) => `${generation}` },
      { title: 'UPTIME', side: 'right', text: ({ uptime }) => duration(uptime) },
      { title: 'VERSION', text: ({ version }) => version },
      { title: 'ADDRESSES', text: ({ addresses }) => addresses.join(' ') },
    ],
  )
}

export function workersText(workers: readonly WorkerRow[]): string {
  return table(workers, [
    { title: 'AGE', side: 'right', text: ({ age }) => `${age}` },
    { title: 'PID', side: 'right', text: ({ pid }) => `${pid ?? '-'}` },
    { title: 'STATE', text: ({ state }) => state, style: ({ state }) => stateStyle(state) },
    { title: 'GEN', side: 'right', text: ({ generation }) => `${generation}` },
    { title: 'UPTIME', side: 'right', text: ({ uptime }) => duration(uptime) },
    { title: 'REQUESTS', side: 'right', text: ({ requests }) => `${requests}` },
    { title: 'IN FLIGHT', side: 'right', text: row => `${row.in_flight}` },
    { title: 'CONNECTIONS', side: 'right', text: ({ connections }) => `${connections}` },
    { title: 'P99', side: 'right', text: row => milliseconds(row.p99_ms) },
    { title: 'BUSY', side: 'right', text: ({ utilization }) => percent(utilization) },
    { title: 'MEMORY', side: 'right', text: ({ rss }) => mebibytes(rss) },
    { title: 'HEARTBEAT', side: 'right', text: row => duration(row.last_heartbeat) },
  ])
}

export function listenersText(listeners: readonly ListenerRow[]): string {
  return table(listeners, [
    { title: 'ADDRESS', text: ({ address }) => address },
    { title: 'TYPE', text: ({ type }) => type },
    { title: 'WAITING', side: 'right', text: ({ backlog }) => `${backlog ?? '-'}` },
  ])
}

export function statsText(stats: Stats): string {
  const ended = Object.entries(stats.workers_ended).map(([kind, number]) => `${number} ${kind}`)
  return [
    `Uptime:   ${duration(stats.uptime)}`,
    `Workers:  ${stats.workers_current} of ${stats.workers_target}, ${stats.workers_spawned} started so far`,
    `Ended:    ${ended.join(', ') || 'none'}`,
    `Reloads:  ${stats.reloads} succeeded, ${stats.reloads_failed} failed`,
    ...(stats.last_failure === null ? [] : [styled('red', `Trouble:  ${stats.last_failure}`)]),
  ].join('\n')
}

export function allText({ arbiter, workers, listeners, stats }: Everything): string {
  return [titleText(arbiter), statsText(stats), workersText(workers), listenersText(listeners)].join('\n\n')
}

/** The server, and what it is doing, in one line. */
export function titleText({
  name,
  pid,
  version,
  phase,
  generation,
  old_arbiter,
  new_arbiter,
}: Hello): string {
  const beside = [
    ...(old_arbiter === null ? [] : [`beside the old arbiter (pid ${old_arbiter})`]),
    ...(new_arbiter === null ? [] : [`beside the new arbiter (pid ${new_arbiter})`]),
  ]
  const state = [styled(stateStyle(phase), phase), `generation ${generation}`, ...beside].join(', ')
  return `${styled('bold', name)} (pid ${pid}, tsicorn ${version}): ${state}`
}

export interface Scaled {
  readonly previous: number
  readonly total: number
}

export function scaledText({ previous, total }: Scaled): string {
  return `Wanted: ${total} workers (before: ${previous})`
}

/** A start that was tried again, and succeeded, has no duration. */
export function reloadedText({
  generation,
  took,
}: Pick<ReloadOutcome, 'generation'> & Partial<ReloadOutcome>): string {
  return took === undefined
    ? `Generation ${generation} serves`
    : `Reloaded: generation ${generation} serves (${took.toFixed(1)} s)`
}

export function configText({ settings }: { readonly settings: Readonly<Record<string, Setting>> }): string {
  return table(Object.entries(settings), [
    { title: 'SETTING', text: ([name]) => name },
    { title: 'VALUE', text: ([, { value }]) => JSON.stringify(value) },
    { title: 'FROM', text: ([, { origin }]) => origin },
  ])
}

interface Setting {
  readonly value: unknown
  readonly origin: string
}
