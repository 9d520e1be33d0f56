/** What the log says about a worker that stands still. */
import type { OpenRequest } from '../../hooks/table.ts'
import { type Confession, inspect } from './inspector.ts'
import type { Child } from './worker-handle.ts'

/** What was found out about a worker, or why nothing was; neither when nobody asked. */
export interface Finding {
  readonly confession?: Confession
  readonly failure?: string
}

export async function look({ watchdog }: Child): Promise<Finding> {
  if (watchdog === undefined) return {}
  try {
    return { confession: await inspect(watchdog) }
  } catch (error) {
    return { failure: (error as Error).message }
  }
}

/** To follow a line of the log: lines of its own, or nothing. */
export function describeFinding({ confession, failure }: Finding): string {
  if (failure !== undefined) return `\nIts JavaScript stack cannot be read: ${failure}`
  if (confession === undefined) return ''
  const { stack, requests } = confession
  const where =
    stack.length === 0 ? ['Its stack has no JavaScript of the app'] : ['It stands', ...stack.map(indent)]
  const what =
    requests.length === 0 ? [] : ['Requests not answered', ...requests.map(describeRequest).map(indent)]
  return ['', ...where, ...what].join('\n')
}

function describeRequest({ method, path, client, age }: OpenRequest): string {
  return `${method} ${path} from ${client || 'a unix socket'} for ${age.toFixed(1)} s`
}

function indent(line: string): string {
  return `    ${line}`
}
