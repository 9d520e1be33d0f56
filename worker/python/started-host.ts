/** A Python host that its worker starts: without `preload_app`, and where the fork server does not answer. */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Duplex, Readable } from 'node:stream'
import { type PythonSettings, pythonCommand } from './command.ts'
import { endOf } from './ended.ts'
import type { HostLink } from './host-link.ts'
import { openStore } from './store.ts'

/** The descriptors of the host, as in `host.py`. */
const controlFd = 3
const queueFd = 4
const stacksFd = 5
const firstChannelFd = 7

/** @throws AppError */
export function startHost(settings: PythonSettings, cwd: string): HostLink {
  const [python, ...args] = pythonCommand(settings, { cwd, env: process.env })
  const pipes = (count: number) => Array<'pipe'>(count).fill('pipe')
  const store = openStore()
  const child = spawn(python, args, {
    cwd,
    stdio: [
      ...(['ignore', 'inherit', 'inherit'] as const),
      ...[...pipes(3), store?.fd ?? ('ignore' as const), ...pipes(settings.threads)],
    ],
  })
  store?.hide()
  // Without descriptors it has none, and an error follows.
  const streams = (child.stdio ?? []) as unknown as readonly Duplex[]
  const channels = streams.slice(firstChannelFd)
  const resume = () => {
    for (const channel of channels) channel.resume()
  }
  const ended = endOf(child, python, resume).then(({ how }) => {
    if (store !== undefined) closeSync(store.fd)
    return how
  })
  return {
    pid: child.pid,
    control: streams[controlFd],
    queue: streams[queueFd] as Duplex,
    stacks: streams[stacksFd] as Readable,
    channels,
    store: store?.fd,
    ended,
    signal: name => child.pid !== undefined && child.kill(name),
  }
}
