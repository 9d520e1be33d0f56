/** What comes from a worker is heard in whatever pieces it comes, and what is too much of it is dropped. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { expect } from 'chai'
import fc from 'fast-check'
import { WorkerChannel } from '../../../daemon/kinds/worker-channel.ts'
import { frame, longestFrame } from '../../../worker/protocol/frame.ts'

/** A channel, and what has come out of it. */
function open() {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  const heard: string[] = []
  const complaints: string[] = []
  const metrics: { readonly text: string; readonly done: (isMessage: boolean) => void }[] = []
  const channel = new WorkerChannel(socket as unknown as Socket, {
    hear: message => heard.push(message.type === 'log' ? message.message : message.type),
    hearMetrics: (text, done) => metrics.push({ text, done }),
    complain: text => complaints.push(text),
    lost: () => heard.push('lost'),
  })
  const write = (bytes: Buffer | string) => socket.emit('data', Buffer.from(bytes))
  return { socket, channel, heard, complaints, metrics, write }
}

const line = (message: string) => frame({ type: 'log', level: 'info', message })

describe('the channel to a worker', () => {
  it('hears the same in whatever pieces it comes', () => {
    const said = ['one', 'two \u20ac', '\u{1f600}'.repeat(100), 'x'.repeat(2_000), 'last']
    const bytes = Buffer.from(said.map(line).join(''))
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), places => {
        const { channel, heard, complaints, write } = open()
        const cuts = [0, ...places.toSorted((a, b) => a - b), bytes.length]
        for (const [index, end] of cuts.entries()) write(bytes.subarray(cuts[index - 1] ?? 0, end))
        channel.close()
        expect(heard).to.deep.equal(said)
        expect(complaints).to.deep.equal([])
      }),
    )
  })

  it('hears a message after half of another', () => {
    const { channel, heard, complaints, write } = open()
    write('{"type":"lo')
    write(frame({ type: 'ready' }))
    channel.close()
    expect(heard).to.deep.equal(['ready'])
    expect(complaints).to.have.length(1)
  })

  it('keeps no more of a line than a frame may have, and hears the next', () => {
    const { channel, heard, complaints, write } = open()
    for (let written = 0; written <= longestFrame; written += 65_536) write('x'.repeat(65_536))
    write(line('next'))
    channel.close()
    expect(heard).to.deep.equal(['next'])
    expect(complaints).to.have.length(1)
  })

  it('complains once, and at the end of how much it was', () => {
    const { channel, complaints, write } = open()
    write('garbage\n'.repeat(100))
    channel.close()
    expect(complaints).to.have.length(2)
    expect(complaints[1]).to.equal('wrote 100 lines that are no messages')
  })

  it('drops lines that come too fast, and says how many at the end', () => {
    const { channel, heard, complaints, write } = open()
    for (let count = 0; count < 100; count += 1) write(line('x').repeat(100))
    channel.close()
    expect(heard.length).to.be.within(5_000, 9_000)
    expect(complaints.join()).to.match(new RegExp(`${10_000 - heard.length} lines of it were dropped`))
  })

  it('pauses what is too much, and reads it without delay when the process has ended', () => {
    const { socket, channel, write } = open()
    write('\n'.repeat(65_536))
    expect(socket.isPaused()).to.equal(true)
    channel.finish()
    expect(socket.isPaused()).to.equal(false)
    channel.close()
  })

  it('parses no metrics itself, and takes no more of them before they are read', () => {
    const { socket, channel, heard, complaints, write, metrics } = open()
    const text = JSON.stringify({ type: 'metrics', turn: 1, families: [], isLast: true })
    write(`${text}\n${text}\n${line('other')}`)
    expect(metrics.map(one => one.text)).to.deep.equal([text, text])
    expect(heard).to.deep.equal(['other'])
    expect(socket.isPaused()).to.equal(true)
    metrics[0]?.done(true)
    expect(socket.isPaused()).to.equal(true)
    metrics[1]?.done(false)
    expect(socket.isPaused()).to.equal(false)
    expect(complaints).to.have.length(1)
    channel.close()
  })

  it('hears once what can be said once', () => {
    const { channel, heard, write } = open()
    write(frame({ type: 'leaving', why: 'a' }).repeat(5) + frame({ type: 'recycle', why: 'b' }).repeat(5))
    channel.close()
    expect(heard).to.deep.equal(['leaving', 'recycle'])
  })
})
