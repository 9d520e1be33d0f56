/** `node:timers/promises` of a simulated machine. */
export async function setTimeout<T>(
  milliseconds: number,
  value?: T,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<T | undefined> {
  signal?.throwIfAborted()
  return await new Promise((resolve, reject) => {
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    }, milliseconds)
    function abort() {
      clearTimeout(timer)
      reject(
        Object.assign(new Error('The operation was aborted'), { code: 'ABORT_ERR', cause: signal?.reason }),
      )
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}

export async function setImmediate(): Promise<void> {
  await setTimeout(0)
}
