/** What is measured, and how it is printed. */

export interface Figure {
  readonly title: string
  readonly digits: number
  /** Also compared with the limit. */
  readonly isCompared?: true
}

export const figures = {
  rate: { title: 'requests/s', digits: 0, isCompared: true },
  cpu: { title: 'CPU, µs/request', digits: 1, isCompared: true },
  p50: { title: 'p50, ms', digits: 2 },
  p99: { title: 'p99, ms', digits: 2 },
  p999: { title: 'p99.9, ms', digits: 2 },
  pss: { title: 'memory, MiB', digits: 0 },
  failed: { title: 'failed', digits: 0 },
  boot: { title: 'boot, ms', digits: 0, isCompared: true },
  idlePss: { title: 'memory idle, MiB', digits: 0 },
  privateFirst: { title: 'private, first process, MiB', digits: 1 },
  privateWorker: { title: 'private, a worker, MiB', digits: 1 },
  changed: { title: 'until all are new, ms', digits: 0 },
  respawn: { title: 'until a new worker answers, ms', digits: 0 },
  versionCpu: { title: 'CPU, ms', digits: 0 },
  filesFirst: { title: 'files loaded, first process', digits: 0 },
  filesWorker: { title: 'files loaded, a worker', digits: 0 },
  bytesFirst: { title: 'kB of them', digits: 0 },
  bytesWorker: { title: 'kB of them', digits: 0 },
  skew: { title: 'connections of the fullest worker / mean', digits: 2 },
  idleWorkers: { title: 'workers without one', digits: 0 },
} as const satisfies Readonly<Record<string, Figure>>

export type FigureName = keyof typeof figures

/** The results of one side in one round; what it has not is left out. */
export type Figures = Readonly<Partial<Record<FigureName | 'others', number>>>
