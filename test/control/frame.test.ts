/** The framing of control sockets. */
import { expect } from 'chai'
import fc from 'fast-check'
import { encodeFrame, FrameError, FrameReader, frameAround } from '../../control/protocol/frame.ts'

describe('frames', () => {
  it('arrive whole, in whatever pieces they come', () => {
    const messages = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 20 })), (sent, sizes) => {
        const reader = new FrameReader(1_000_000)
        const received: unknown[] = []
        let bytes = Buffer.concat(sent.map(encodeFrame))
        for (const size of [...sizes, bytes.length]) {
          received.push(...reader.push(bytes.subarray(0, size)))
          bytes = bytes.subarray(size)
        }
        expect(received).to.deep.equal(JSON.parse(JSON.stringify(sent)))
      }),
    )
  })

  it('are the same around what is JSON already', () => {
    const data = { text: '\u20ac', list: [1] }
    const around = frameAround('{"id":"\u20ac","data":', Buffer.from(JSON.stringify(data)), '}')
    expect(Buffer.concat(around)).to.deep.equal(encodeFrame({ id: '\u20ac', data }))
  })

  for (const [what, bytes] of [
    ['an empty one', Buffer.from([0, 0, 0, 0])],
    ['one that is too long', Buffer.from([0, 0, 0, 101])],
    ['a request of another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['what is not JSON', Buffer.from([0, 0, 0, 1, 0x7b])],
  ] as const) {
    it(`refuse ${what}`, () => {
      expect(() => new FrameReader(100).push(bytes)).to.throw(FrameError)
    })
  }
})
