/** How arbiter and worker write to each other: one JSON text per line, on a socket that Node knows nothing of. */

/** The descriptor of the channel in a worker, after the standard ones; that of Node in an heir is the same. */
export const channelFd = 3

/** From here on a process has what its arbiter gives it. */
export const firstInherited = channelFd + 1

/** Says which process is the arbiter of a worker; taken out of the environment, it is known to the kernel only. */
export const arbiterVariable = 'TSICORN_ARBITER'

/** A text in a message is cut when it has more characters. */
export const longestText = 64 * 1024

/** A message with such a text has fewer bytes, whatever the text is made of. */
export const longestFrame = 512 * 1024

/** A frame begins with a line of its own, so that half a frame before it spoils nothing; empty lines mean nothing. */
export function frame(message: object): string {
  return `\n${JSON.stringify(message)}\n`
}

export function truncate(text: string): string {
  if (text.length <= longestText) return text
  return `${text.slice(0, longestText)}... (cut: it has ${text.length} characters)`
}
