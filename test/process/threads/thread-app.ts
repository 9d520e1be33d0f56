/** Servers with threads, and apps that say in which one they are. */
import { fresh } from '../../support/requests.ts'
import { type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

export interface Where {
  readonly pid: number
  readonly thread: string
  readonly instance: string
}

/** Answers with the place where it runs. */
export const placeApp = `
  const { pid, env } = process
  export default (req, res) => {
    res.end(JSON.stringify({ pid, thread: env.TSICORN_THREAD_INDEX, instance: env.NODE_APP_INSTANCE }))
  }
`

/** Starts an `app.mjs` with this text. */
export function launchThreads(
  text: string,
  args: readonly string[] = [],
  { files = {}, ...options }: LaunchOptions = {},
): Tsicorn {
  return launch({
    ...options,
    args: [
      '-k',
      'threads',
      '--threads',
      '2',
      '-b',
      '127.0.0.1:0',
      '--log-level',
      'debug',
      ...args,
      './app.mjs',
    ],
    files: { 'app.mjs': text, ...files },
  })
}

/** Asks until as many different instances of a `placeApp` have answered. */
export async function placesOf(url: string, wanted: number): Promise<ReadonlyMap<string, Where>> {
  const seen = new Map<string, Where>()
  while (seen.size < wanted) {
    const answers = await Promise.all(Array.from({ length: 8 }, async () => await fresh(url)))
    for (const answer of answers) {
      const where = JSON.parse(answer) as Where
      seen.set(`${where.pid} ${where.thread}`, where)
    }
  }
  return seen
}
