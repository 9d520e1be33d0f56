/** How many workers are wanted: the configured number, as changed by signals, commands and load. */
export interface Scale {
  readonly wanted: number
  /** The setting `workers` that is in force. */
  readonly configured: WorkerRange
  /** How many were wanted when WINCH paused all workers. */
  readonly paused: number | undefined
}

/** The setting `workers`; the same number twice where the load does not change it. */
export interface WorkerRange {
  readonly min: number
  readonly max: number
}

export function scaleOf(configured: WorkerRange): Scale {
  return { wanted: configured.min, configured, paused: undefined }
}

export function grow({ wanted, configured }: Scale, most: number): Scale {
  return { wanted: Math.min(wanted + 1, most), configured, paused: undefined }
}

/** Never below one: only a pause stops the last worker. */
export function shrink(scale: Scale): Scale {
  return scale.wanted > 1 ? { ...scale, wanted: scale.wanted - 1 } : scale
}

/** A number that an operator has chosen. */
export function scaleTo({ configured }: Scale, wanted: number): Scale {
  return { wanted, configured, paused: undefined }
}

export function pause(scale: Scale): Scale {
  return { ...scale, wanted: 0, paused: scale.paused ?? scale.wanted }
}

/** A new configuration keeps a number that was set at run time, unless it changes `workers`; it ends a pause. */
export function configure(scale: Scale, configured: WorkerRange): Scale {
  const { min, max } = configured
  const wanted = scale.paused ?? scale.wanted
  const isSame = min === scale.configured.min && max === scale.configured.max
  return { wanted: isSame ? wanted : Math.min(max, Math.max(min, wanted)), configured, paused: undefined }
}

/** A number of workers, or a percentage of them, rounded up. */
export function shareOf(share: number | string, whole: number): number {
  return typeof share === 'number' ? share : Math.ceil((Number.parseFloat(share) / 100) * whole)
}
