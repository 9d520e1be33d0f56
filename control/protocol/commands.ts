/** The commands of a control socket: what a server accepts, what a client offers, and what the reference lists. */

export interface Command {
  /** The arguments in words: `N`, or `[N]` for one that may be left out. */
  readonly args?: string
  readonly doc: string
}

export const commands = {
  hello: { doc: 'Who this server is: name, process id, version, phase, addresses' },
  'show all': { doc: 'Everything that the other `show` commands say, but for the settings' },
  'show workers': { doc: 'The workers, oldest first, with their load' },
  'show config': { doc: 'The settings in force, and the origin of each; values of `raw_env` are hidden' },
  'show stats': { doc: 'Totals since the start: workers, how they ended, reloads' },
  'show listeners': { doc: 'The addresses, and how many connections wait to be accepted' },
  'show dirty': { doc: 'Dirty workers, which tsicorn does not have' },
  'worker add': { args: '[N]', doc: 'Wants N more workers; 1 by default' },
  'worker remove': { args: '[N]', doc: 'Wants N fewer workers, but at least one; 1 by default' },
  'worker kill': { args: 'PID', doc: 'Lets this worker finish and leave; another one takes its place' },
  scale: { args: 'N', doc: 'Wants N workers' },
  reload: { doc: 'Reloads as HUP does, and waits for the outcome' },
  upgrade: {
    doc: 'Starts a new arbiter beside this one as USR2 does, and waits until it serves or has ended',
  },
  'upgrade back': { doc: 'Tells the new arbiter of an upgrade to leave, and waits until it has' },
  reopen: { doc: 'Reopens the logs as USR1 does' },
  shutdown: { args: '[graceful|quick]', doc: 'Stops as TERM or INT does; the connection closes at the end' },
  wait: { args: '[ready]', doc: 'Waits until the server serves, and no reload is under way' },
  events: { doc: 'Streams what happens from now on' },
  logs: { args: '[follow]', doc: 'The latest lines of the error log; with `follow`, those to come as well' },
} as const satisfies Readonly<Record<string, Command>>

export type CommandName = keyof typeof commands

/** Finds the longest command that these words begin with; the rest are its arguments. */
export function findCommand(
  words: readonly string[],
): { readonly name: CommandName; readonly args: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ')
    if (words.length >= length && Object.hasOwn(commands, name))
      return { name: name as CommandName, args: words.slice(length) }
  }
  return undefined
}
