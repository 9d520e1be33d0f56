/** Loads a WSGI application: starts its host, and returns a listener as for any other app. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../hooks/thrown.ts'
import type { LoadedApp } from '../app/load.ts'
import { ignore } from '../http/rejection.ts'
import { isClientGone } from '../http/response.ts'
import { onResponseEnd } from '../http/response-end.ts'
import type { WorkerLog } from '../process/log.ts'
import { BindFailed } from '../protocol/boot-error.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import { usageOf } from '../protocol/process-usage.ts'
import type { HostLink } from '../python/host-link.ts'
import { HostProcess } from '../python/host-process.ts'
import { startHost } from '../python/started-host.ts'
import { Dispatcher } from './dispatcher.ts'
import { createJob, type Job } from './job.ts'
import { createRequestHead } from './request-head.ts'
import { receiveBody } from './upload.ts'

export interface WsgiOptions {
  readonly settings: WorkerSettings
  readonly cwd: string
  readonly log: WorkerLog
  /** Why there is no listener: a WSGI application has none of its own. */
  readonly bindFailure?: string | undefined
  /** Where the fork server of its generation listens, if there is one. */
  readonly forks?: string | undefined
  readonly onTimeout: () => void
  /** The app can be served no more. */
  readonly onLost: (why: string) => void
}

/** @throws AppError, AppMissing, AppFailed, BindFailed */
export async function loadWsgi(options: WsgiOptions): Promise<LoadedApp> {
  const { settings, log, bindFailure, onTimeout, onLost } = options
  if (bindFailure !== undefined) throw new BindFailed(bindFailure)
  const { threads, request_timeout, timeout } = settings
  const describeHead = createRequestHead({
    ...settings,
    root_path: settings.root_path || (process.env.SCRIPT_NAME ?? ''),
  })
  const dispatcher = new Dispatcher({
    ...{ threads, log, onTimeout, onLost },
    describe: ({ req, body }: Job) => describeHead(req, body?.length),
    idHeader: settings.request_id_header?.toLowerCase(),
    start: async () => new HostProcess(await startOrFork(options), settings.app),
    limit: request_timeout || timeout,
    limitName: request_timeout > 0 ? 'request_timeout' : 'timeout',
    waitLimit: request_timeout,
    graceful: settings.graceful_timeout,
  })
  await dispatcher.open()
  return {
    shape: 'WSGI application',
    intercepted: [],
    listener: createListener(dispatcher),
    close: () => dispatcher.close(),
    usage: () => ({
      ...usageOf(dispatcher.processes.flatMap(({ pid }) => pid ?? [])),
      busy: dispatcher.busy,
    }),
  }
}

/** Serving with a process that has its own memory is better than not serving. */
async function startOrFork({ settings, cwd, log, forks }: WsgiOptions): Promise<HostLink> {
  if (forks !== undefined) {
    try {
      const { forkHost } = await import('../python/forked-host.ts')
      return await forkHost(forks, settings.threads, cwd)
    } catch (error) {
      log.warning(`The fork server is no help (${messageOf(error)}): the worker starts Python by itself`)
    }
  }
  return startHost(settings, cwd)
}

function createListener(dispatcher: Dispatcher) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    // An abort has an error where somebody listens.
    req.on('error', ignore)
    let job: Job | undefined
    onResponseEnd(req, res, () => job && dispatcher.ended(job))
    receiveBody(req, res, (body, early) => {
      if (isClientGone(res)) return
      job = createJob(req, res, body, early)
      dispatcher.submit(job)
    })
  }
}
