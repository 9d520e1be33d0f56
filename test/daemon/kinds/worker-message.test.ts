/** What a worker writes is a message of a known shape or nothing, and can never pass for a line of the log. */
import { expect } from 'chai'
import fc from 'fast-check'
import { readMessage } from '../../../daemon/kinds/worker-message.ts'
import { printable } from '../../../daemon/logs/log-line.ts'
import { frame, longestFrame, longestText, truncate } from '../../../worker/protocol/frame.ts'
import { type FromWorker, logLevels } from '../../../worker/protocol/messages.ts'

const types = ['booting', 'ready', 'failed', 'leaving', 'recycle', 'crashed', 'listens', 'log'] as const

/** Objects that look like messages, and are none or almost. */
const nearly = fc.record(
  {
    type: fc.oneof(fc.constantFrom(...types), fc.anything()),
    why: fc.oneof(fc.constantFrom('boot', 'app'), fc.string({ unit: 'binary' }), fc.anything()),
    stack: fc.oneof(fc.string({ unit: 'binary' }), fc.anything()),
    level: fc.oneof(fc.constantFrom(...logLevels), fc.anything()),
    message: fc.oneof(fc.string({ unit: 'binary' }), fc.anything()),
    binds: fc.oneof(fc.array(fc.string()), fc.anything()),
  },
  { requiredKeys: [] },
)

const text = fc.string({ unit: 'binary' })

const messages: fc.Arbitrary<FromWorker> = fc.oneof(
  fc.record({ type: fc.constantFrom('booting' as const, 'ready' as const) }),
  fc.record({ type: fc.constantFrom('leaving' as const, 'recycle' as const, 'crashed' as const), why: text }),
  fc.record({ type: fc.constant('crashed' as const), why: text, stack: text }),
  fc.record({
    type: fc.constant('failed' as const),
    why: fc.constantFrom('boot' as const, 'app' as const, 'bind' as const, 'log' as const),
    message: text,
  }),
  fc.record({ type: fc.constant('listens' as const), message: text, binds: fc.constant(['[::]:80']) }),
  fc.record({ type: fc.constant('log' as const), level: fc.constantFrom(...logLevels), message: text }),
)

describe('what a worker says', () => {
  it('is a message of a known shape, or nothing, whatever it writes', () => {
    const lines = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      nearly.map(
        value => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part)) ?? '',
      ),
    )
    fc.assert(
      fc.property(lines, line => {
        const message = readMessage(line)
        if (message === undefined) return
        expect(types).to.include(message.type)
        expect(readMessage(JSON.stringify(message))).to.deep.equal(message)
        const { binds = [], ...others } = { binds: undefined, ...message }
        for (const value of [...binds, ...Object.values(others)]) expect(value).to.be.a('string')
        if (message.type === 'log') expect(logLevels).to.include(message.level)
        if (message.type === 'failed') expect(['boot', 'app', 'bind', 'log']).to.include(message.why)
        const all = Object.keys(message).length
        expect(all).to.be.at.most(4)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is understood where it is a message, and keeps what can be printed', () => {
    fc.assert(
      fc.property(messages, message => {
        const found = readMessage(frame(message).trim())
        expect(found?.type).to.equal(message.type)
        if (message.type === 'log' && found?.type === 'log') {
          expect(found.level).to.equal(message.level)
          if (/^[\x20-\x7e]*$/.test(message.message)) expect(found.message).to.equal(message.message)
        }
      }),
    )
  })

  it('has no line that begins like a line of the log, and nothing that a terminal obeys', () => {
    const hostile = fc
      .array(fc.constantFrom('\n', '\r', '\r\n', '[', '\u001b', '\u2028', '\u0085', '\t', 'x', '[2026-01-01'))
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(hostile, words => {
        const [, ...further] = printable(words).split('\n')
        for (const line of further) expect(line).not.to.match(/^\[/)
        expect(printable(words)).not.to.match(/[^\P{Cc}\n\t]|[\u2028\u2029]/u)
      }),
    )
  })

  it('fits into a frame however long it is, and whatever it is made of', () => {
    for (const unit of ['x', '\u0000', '\ud800', '\u20ac', '\u{1f600}', '"']) {
      const message = truncate(unit.repeat(longestText + 1))
      const line = frame({ type: 'log', level: 'info', message })
      expect(Buffer.byteLength(line)).to.be.below(longestFrame)
      expect(readMessage(line.trim())?.type).to.equal('log')
    }
  })

  it('is nothing where a text in it is too long', () => {
    const message = 'x'.repeat(longestText + 200)
    expect(readMessage(JSON.stringify({ type: 'log', level: 'info', message }))).to.equal(undefined)
  })
})
