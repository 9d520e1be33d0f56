/**
 * A thread that tells where the JavaScript of this process stands when the event loop does not turn any more.
 *
 * It pauses the main thread from within, by an inspector session that has no port: nobody else can attach to it, and Node
 * prints nothing about it. A stuck process cannot start a thread, so this one waits from the beginning.
 */
import { requestsKey } from '../protocol/messages.ts'

/** `fd` is the thread's end of a channel to the arbiter: for each line that comes, one line of JSON goes back. */
export async function startWatchdog(fd: number): Promise<void> {
  const { Worker } = await import('node:worker_threads')
  const thread = new Worker(`(${watch})()`, {
    eval: true,
    workerData: { fd, question },
    // What is preloaded for the app is not for this thread.
    execArgv: [],
    env: {},
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
  })
  thread.unref()
  // Without the thread the arbiter gets no answer, and says that.
  thread.on('error', () => undefined)
}

/** Node maps the stack of an error to the sources; one that is made where the process was paused is the stack wanted. */
const question = `(() => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack } = new Error()
  Error.stackTraceLimit = limit
  return JSON.stringify({ stack, requests: globalThis[Symbol.for('${requestsKey}')]?.() ?? [] })
})()`

interface Answer {
  readonly result: { readonly value?: string }
}

/** Runs in the thread, of which it knows nothing but what is in here. */
function watch(): void {
  const { Session } = process.getBuiltinModule('node:inspector')
  const { Socket } = process.getBuiltinModule('node:net')
  const { workerData } = process.getBuiltinModule('node:worker_threads')
  const channel = new Socket({ fd: workerData.fd, readable: true, writable: true })
  // The arbiter is gone.
  channel.on('error', () => channel.destroy())
  channel.on('data', () => {
    const session = new Session()
    session.connectToMainThread()
    session.once('Debugger.paused', ({ params }) => {
      const callFrameId = params.callFrames[0]?.callFrameId ?? ''
      const asked = { callFrameId, expression: workerData.question }
      session.post('Debugger.evaluateOnCallFrame', asked, (_, answer) => {
        channel.write(`${(answer as Answer | undefined)?.result.value}\n`)
        // It goes on: whether it is killed, the arbiter decides.
        session.disconnect()
      })
    })
    session.post('Debugger.enable')
    session.post('Debugger.pause')
  })
}
