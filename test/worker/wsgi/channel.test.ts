/** Frames of a Python host are read whole, however they are cut on their way. */
import { Duplex } from 'node:stream'
import { expect } from 'chai'
import fc from 'fast-check'
import { frameOf } from '../../../worker/python/frame.ts'
import { ThreadChannel } from '../../../worker/wsgi/channel.ts'

class Pipe extends Duplex {
  override _read(): void {
    // Bytes are pushed.
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done()
  }
}

const frames = fc.array(
  fc.record({
    kind: fc.integer({ min: 1, max: 7 }),
    flags: fc.integer({ min: 0, max: 7 }),
    number: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    head: fc.string({ unit: 'binary-ascii', maxLength: 30 }),
    body: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 8 },
)

describe('ThreadChannel', () => {
  it('passes on every frame with its head and its whole body, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        frames,
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }),
        async (sent, sizes) => {
          const heard: {
            kind: number
            flags: number
            number: number
            head: string
            body: number[]
            isOver: boolean
          }[] = []
          const pipe = new Pipe()
          new ThreadChannel(pipe, {
            frame({ kind, flags, number }, head) {
              heard.push({ kind, flags, number, head: head.toString('latin1'), body: [], isOver: false })
            },
            piece(bytes, isLast, { number }) {
              const current = heard.at(-1)!
              expect(current.number).to.equal(number)
              expect(current.isOver).to.equal(false)
              current.body.push(...bytes)
              current.isOver = isLast
            },
          })
          const bytes = Buffer.concat(
            sent.map(({ kind, number, flags, head, body }) =>
              frameOf(kind, number, { flags, head, body: Buffer.from(body) }),
            ),
          )
          for (let at = 0, n = 0; at < bytes.length; n += 1) {
            const size = sizes[n % sizes.length] as number
            pipe.push(bytes.subarray(at, at + size))
            at += size
          }
          await new Promise(resolve => setImmediate(resolve))
          expect(heard).to.deep.equal(sent.map(one => ({ ...one, body: [...one.body], isOver: true })))
        },
      ),
      { numRuns: 200 },
    )
  })
})
