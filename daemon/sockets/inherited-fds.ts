/**
 * What this arbiter inherited: the sockets and the place of an old arbiter (USR2), or sockets that systemd opened for
 * it. The variables that describe them are for this process only.
 */

/** A descriptor that was already open when the process started. */
export interface InheritedDescriptor {
  readonly fd: number
  /** The address as configured: `127.0.0.1:0`, `unix:/run/app.sock`, `fd://3`, or `activated:NAME`. */
  readonly key: string
  /** The file of a unix socket that this arbiter, or one before it, bound. */
  readonly file?: string | undefined
}

/** Addresses in the form of `bind`: see `app-binds.ts`. */
export interface AppAddresses {
  readonly binds: readonly string[]
  /** What the app listens on only after it was loaded, or not in every worker. */
  readonly late: readonly string[]
}

const noAddresses: AppAddresses = { binds: [], late: [] }

export interface InheritedFds {
  readonly descriptors: readonly InheritedDescriptor[]
  /** The process id of the old arbiter. */
  readonly oldArbiter: number | undefined
  /** Where the app listens besides the operator's addresses: see `app-binds.ts`. */
  readonly appBinds: AppAddresses
  /** How many workers the old arbiter has, as JSON. */
  readonly scale?: string | undefined
}

/** Variables that must not reach other processes. */
export const privateVariables = [
  'TSICORN_FD',
  'TSICORN_BIND',
  'TSICORN_FILE',
  'TSICORN_PID',
  'TSICORN_APP_BIND',
  'TSICORN_SCALE',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
] as const

type Variables = Readonly<Record<string, string | undefined>>

/** Throws `RangeError` for invalid variables. */
export function readInheritedFds(env: Variables, pid: number): InheritedFds {
  const {
    TSICORN_FD,
    TSICORN_BIND = '[]',
    TSICORN_FILE = '[]',
    TSICORN_PID,
    TSICORN_APP_BIND,
    TSICORN_SCALE,
  } = env
  if (TSICORN_PID === undefined) {
    return { descriptors: activated(env, pid), oldArbiter: undefined, appBinds: noAddresses }
  }
  const keys = JSON.parse(TSICORN_BIND) as readonly string[]
  const files = JSON.parse(TSICORN_FILE) as readonly (string | null)[]
  const descriptors = (TSICORN_FD ?? '').split(',').filter(Boolean).map(Number)
  return {
    descriptors: descriptors.map((fd, index) => ({
      fd,
      key: keys[index] ?? `fd://${fd}`,
      file: files[index] ?? undefined,
    })),
    oldArbiter: Number(TSICORN_PID),
    appBinds: TSICORN_APP_BIND === undefined ? noAddresses : (JSON.parse(TSICORN_APP_BIND) as AppAddresses),
    scale: TSICORN_SCALE,
  }
}

/** The variables that tell a new arbiter what it inherits. */
export function inheritedFdsVariables({
  descriptors,
  oldArbiter,
  appBinds,
  scale,
}: InheritedFds): Record<string, string> {
  return {
    TSICORN_FD: descriptors.map(({ fd }) => fd).join(),
    TSICORN_BIND: JSON.stringify(descriptors.map(({ key }) => key)),
    TSICORN_FILE: JSON.stringify(descriptors.map(({ file }) => file ?? null)),
    TSICORN_PID: String(oldArbiter),
    TSICORN_APP_BIND: JSON.stringify(appBinds),
    ...(scale === undefined ? {} : { TSICORN_SCALE: scale }),
  }
}

/** The first descriptor of socket activation: see sd_listen_fds(3). */
const firstActivated = 3

/** The sockets that systemd opened, if they are meant for this process. */
function activated(
  { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES }: Variables,
  pid: number,
): InheritedDescriptor[] {
  if (LISTEN_FDS === undefined || Number(LISTEN_PID) !== pid) return []
  if (!/^\d{1,4}$/.test(LISTEN_FDS)) {
    throw new RangeError(`LISTEN_FDS is not a number of sockets: ${JSON.stringify(LISTEN_FDS)}`)
  }
  const names = LISTEN_FDNAMES?.split(':') ?? []
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => {
    const fd = firstActivated + index
    return { fd, key: `${activatedPrefix}${fd}${names[index] ? `:${names[index]}` : ''}` }
  })
}

/** The prefix of the keys of activated sockets, which replace whatever `bind` says. */
export const activatedPrefix = 'activated:'
