/** What the arbiter makes of the addresses that workers ask for, which may differ between them, or each time. */
import { expect } from 'chai'
import { AppBinds } from '../../../daemon/generation/app-binds.ts'

describe('the addresses of an app', () => {
  let binds: AppBinds

  beforeEach(() => {
    binds = new AppBinds({ binds: [], late: [] })
  })

  it('are those that its worker asks for', () => {
    expect(binds.learn([':3000', ':9100'], 0)).to.equal(true)
    expect(binds.addresses).to.deep.equal({ binds: [':3000', ':9100'], late: [] })
    expect(binds.learn([':3000', ':9100'], 0), 'nothing new').to.equal(false)
  })

  it('are others after a change of the app', () => {
    binds.learn([':3000'], 0)
    binds.forgetAsked()
    expect(binds.learn([':4000'], 0)).to.equal(true)
    expect(binds.addresses).to.deep.equal({ binds: [':4000'], late: [] })
  })

  it('are all of them where each worker has one of its own', () => {
    binds.learn([':3000', ':9100'], 0)
    for (const index of [2, 1, 4, 3]) {
      expect(binds.learn([':3000', `:910${index}`], index)).to.equal(true)
      expect(binds.all).to.include(`:910${index}`).and.to.include(':9100')
    }
    expect(binds.addresses.binds).to.deep.equal([':3000'])
    expect(binds.isComplete).to.equal(false)
  })

  it('are late where another worker asks for fewer', () => {
    binds.learn([':3000', ':9100'], 0)
    expect(binds.learn([':3000'], 1)).to.equal(true)
    expect(binds.addresses).to.deep.equal({ binds: [':3000'], late: [':9100'] })
    expect(binds.learn([':3000', ':9100'], 0)).to.equal(false)
  })

  it('are complete without those that a worker chooses anew each time', () => {
    binds.learn([':3000', ':41001'], 0)
    binds.learn([':3000', ':41002'], 1)
    expect(binds.isComplete).to.equal(false)
    expect(binds.learn([':3000', ':41003'], 0)).to.equal(true)
    expect(binds.isComplete).to.equal(true)
    expect(binds.addresses).to.deep.equal({ binds: [':3000'], late: [] })
  })

  it('are never complete where nothing stays the same', () => {
    binds.learn([':41001'], 0)
    expect(binds.learn([':41002'], 0)).to.equal(true)
    expect(binds.isComplete).to.equal(false)
  })

  it('grow where the app begins to listen on one after the other', () => {
    binds.learn([':3000'], 0)
    binds.learn([':3000', ':3001'], 0)
    expect([binds.all, binds.isComplete]).to.deep.equal([[':3000', ':3001'], false])
  })
})
