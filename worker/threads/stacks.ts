/** Captures the JavaScript stack of a thread that is stuck, from the main thread, through Node's inspector without a port. */
import type { Session } from 'node:inspector'
import { Socket } from 'node:net'
import { stackQuestion } from '../process/watchdog.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'
import type { Thread } from './thread.ts'

const heartbeat = fieldIndex('heartbeat')

interface Attached {
  readonly sessionId: string
  /** `[worker 2] thread 1`: the number is Node's, from 1. */
  readonly workerInfo: { readonly title: string }
}

interface Told {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly callFrames?: readonly { readonly callFrameId: string }[] }
  readonly result?: { readonly result?: { readonly value?: string } }
}

/** Answers each line that the arbiter sends on this descriptor with one line of JSON, as the watchdog of a process does. */
export function answerStacks(fd: number, threads: () => readonly Thread[]): void {
  const channel = new Socket({ fd, readable: true, writable: true })
  // The arbiter is gone.
  channel.on('error', () => channel.destroy())
  channel.on('data', () => {
    const thread = slowest(threads())
    const answer = (text: string) => {
      const report = JSON.parse(text)
      channel.write(`${JSON.stringify({ ...report, thread: thread?.index })}\n`)
    }
    if (thread === undefined) answer('{}')
    else ask(thread, answer)
  })
  channel.unref()
}

/** The living thread whose last heartbeat is the oldest; one that still boots has none. */
function slowest(threads: readonly Thread[]): Thread | undefined {
  const [first] = threads
    .filter(({ hasEnded }) => !hasEnded)
    .sort((one, other) => (one.record[heartbeat] ?? 0) - (other.record[heartbeat] ?? 0))
  return first
}

/** Without an answer, the thread is stuck in native code. */
function ask(thread: Thread, answer: (text: string) => void): void {
  const { Session: InspectorSession } = process.getBuiltinModule('node:inspector')
  const session: Session = new InspectorSession()
  session.connect()
  let target = ''
  const post = (id: number, method: string, params = {}) => {
    const message = JSON.stringify({ id, method, params })
    session.post('NodeWorker.sendMessageToWorker', { sessionId: target, message })
  }
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    const { sessionId, workerInfo } = params as Attached
    if (Number(/^\[worker (\d+)\]/.exec(workerInfo.title)?.[1]) !== thread.id) return
    target = sessionId
    post(1, 'Debugger.enable')
    post(2, 'Debugger.pause')
  })
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    if (params.sessionId !== target) return
    const { id, method, params: about, result }: Told = JSON.parse(params.message)
    if (method === 'Debugger.paused') {
      const callFrameId = about?.callFrames?.[0]?.callFrameId ?? ''
      post(3, 'Debugger.evaluateOnCallFrame', { callFrameId, expression: stackQuestion })
    } else if (id === 3) {
      answer(result?.result?.value ?? '{}')
      // It goes on: whether it is killed, the arbiter decides.
      session.disconnect()
    }
  })
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
}
