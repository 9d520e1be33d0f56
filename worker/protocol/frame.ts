/** The framing of messages between arbiter and worker: one JSON text per line, on a socket of their own. */

/** The descriptor of the channel in a worker, after the standard ones; in a new arbiter, it is that of Node. */
export const channelFd = 3

/** The first descriptor of those that an arbiter passes on. */
export const firstInherited = channelFd + 1

/** Names the arbiter of a worker. The worker deletes it from its environment, but the kernel still shows it. */
export const arbiterVariable = 'TSICORN_ARBITER'

/** Where the worker keeps compiled code, if it does. The worker deletes it from its environment as well. */
export const cacheVariable = 'TSICORN_COMPILE_CACHE'

/** Tells a worker that it serves with threads. The worker deletes it from its environment as well. */
export const threadsVariable = 'TSICORN_THREADS'

/** What a thread of a worker finds its port under, in its `workerData`. */
export const threadKey = 'tsicorn.thread'

/** Longer texts in messages are truncated, in characters. */
export const longestText = 64 * 1024

/** Upper limit for a message with such a text, in bytes, whatever its characters. */
export const longestFrame = 512 * 1024

/** Starts with a line end, so that half a frame before it spoils nothing; empty lines mean nothing. */
export function frame(message: object): string {
  return `\n${JSON.stringify(message)}\n`
}

export function truncate(text: string): string {
  if (text.length <= longestText) return text
  return `${text.slice(0, longestText)}... (cut: it has ${text.length} characters)`
}
