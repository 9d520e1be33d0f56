/**
 * A thread that captures the JavaScript stack of this process when its event loop is stuck.
 *
 * It pauses the main thread through an inspector session without a port, so nothing else can attach, and Node prints
 * nothing about it. A stuck process cannot start a thread, so this one is started at boot.
 */
import { requestsKey } from '../protocol/messages.ts'

/** `fd` is the thread's end of a channel to the arbiter; each line received is answered with one line of JSON. */
export async function startWatchdog(fd: number): Promise<void> {
  const { Worker } = await import('node:worker_threads')
  const thread = new Worker(`(${watch})()`, {
    eval: true,
    workerData: { fd, question: stackQuestion },
    // Without the preloads of the app.
    execArgv: [],
    env: {},
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
  })
  thread.unref()
  // Without the thread the arbiter gets no answer, and logs that.
  thread.on('error', () => undefined)
}

/** Evaluated where the process is paused: Node maps the stack of a new error to the sources. */
export const stackQuestion = `(() => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack } = new Error()
  Error.stackTraceLimit = limit
  return JSON.stringify({ stack, requests: globalThis[Symbol.for('${requestsKey}')]?.() ?? [] })
})()`

interface Answer {
  readonly result: { readonly value?: string }
}

/** Runs in the thread, as text: nothing outside of this function is in scope. */
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
        // Without a frame, no JavaScript was running.
        channel.write(`${(answer as Answer | undefined)?.result.value ?? '{}'}\n`)
        // It goes on: whether it is killed, the arbiter decides.
        session.disconnect()
      })
    })
    session.post('Debugger.enable')
    session.post('Debugger.pause')
  })
}
