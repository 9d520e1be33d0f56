/** What Python says about the application once it has imported it, or failed to. */
import type { Duplex } from 'node:stream'
import { AppError, AppFailed, AppMissing } from '../protocol/boot-error.ts'
import { failedFrame, frameBytes, missingFlag, readFrameStart, readyFrame, unusableFlag } from './frame.ts'

/**
 * Resolves once the application is loaded. Rejects with what prevents that, or with how Python ended before it.
 *
 * @throws AppError, AppMissing, AppFailed
 */
export async function bootAnswer(
  control: Duplex | undefined,
  app: string,
  ended: Promise<{ readonly how: string; readonly hasRun: boolean }>,
): Promise<void> {
  const named = `The app ${JSON.stringify(app)}`
  let said = Buffer.alloc(0)
  const answer = new Promise<void>((resolve, reject) => {
    control?.on('data', (chunk: Buffer) => {
      said = Buffer.concat([said, chunk])
      if (said.length < frameBytes) return
      const { kind, flags, length } = readFrameStart(said, 0)
      if (said.length < frameBytes + length) return
      if (kind === readyFrame) return resolve()
      if (kind !== failedFrame) return
      const text = said.toString('utf8', frameBytes)
      if (flags & missingFlag) reject(new AppMissing(`Cannot load the app ${JSON.stringify(app)}: ${text}`))
      else if (flags & unusableFlag) reject(new AppError(`${named} cannot be used: ${text}`))
      else reject(new AppFailed(`${named} failed: ${text}`))
    })
  })
  const early = ended.then(({ how, hasRun }) => {
    throw new AppFailed(
      hasRun
        ? `${named} failed: Python ${how} before it had loaded it; what it printed is in the log, and it has to be 3.9 or later`
        : how,
    )
  })
  await Promise.race([answer, early])
}
