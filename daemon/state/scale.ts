/** How many workers are wanted: the configured number, as changed by signals. */
export interface Scale {
  readonly wanted: number
  /** The setting `workers` that is in force. */
  readonly configured: number
  /** How many were wanted when WINCH paused all workers. */
  readonly paused: number | undefined
}

export function scaleOf(configured: number): Scale {
  return { wanted: configured, configured, paused: undefined }
}

export function grow({ wanted, configured }: Scale): Scale {
  return { wanted: wanted + 1, configured, paused: undefined }
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
export function configure(scale: Scale, configured: number): Scale {
  if (configured !== scale.configured) return scaleOf(configured)
  return { wanted: scale.paused ?? scale.wanted, configured, paused: undefined }
}

/** A number of workers, or a percentage of them, rounded up. */
export function shareOf(share: number | string, whole: number): number {
  return typeof share === 'number' ? share : Math.ceil((Number.parseFloat(share) / 100) * whole)
}
