/** The heap of another process, measured through its inspector. */

export interface Heap {
  /** Bytes in use after a garbage collection. */
  used(): Promise<number>
  close(): void
}

interface Message {
  readonly id: number
  readonly result: { readonly usedSize: number }
}

/** `address` is the one that the process prints for its debugger. */
export async function openHeap(address: string): Promise<Heap> {
  const socket = new WebSocket(address)
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve()
    socket.onerror = () => reject(new Error(`Cannot reach the inspector at ${address}`))
  })
  let count = 0
  const call = (method: string) => {
    count += 1
    const id = count
    return new Promise<Message['result']>(resolve => {
      const hear = ({ data }: MessageEvent) => {
        const message = JSON.parse(String(data)) as Message
        if (message.id !== id) return
        socket.removeEventListener('message', hear)
        resolve(message.result)
      }
      socket.addEventListener('message', hear)
      socket.send(JSON.stringify({ id, method }))
    })
  }
  return {
    async used() {
      await call('HeapProfiler.collectGarbage')
      return (await call('Runtime.getHeapUsage')).usedSize
    },
    close: () => socket.close(),
  }
}
