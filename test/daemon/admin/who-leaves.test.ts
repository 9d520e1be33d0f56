/** Which client of the administrative listener leaves where there are too many. */
import { expect } from 'chai'
import { type Client, whoLeaves } from '../../../daemon/admin/who-leaves.ts'

type Some = Client & { readonly name: string; readonly isAsking: boolean }

const client = (name: string, isAsking: boolean, destroyed = false): Some => ({ name, isAsking, destroyed })
const leaving = (...clients: Some[]) => whoLeaves(clients, ({ isAsking }) => isAsking)?.name

describe('of too many clients', () => {
  it('the one that has asked for nothing for longest leaves', () => {
    expect(leaving(client('a', true), client('b', false), client('c', false), client('new', false))).to.equal(
      'b',
    )
  })

  it('the one that has not read its answer for longest leaves where all have asked', () => {
    expect(leaving(client('a', true), client('b', true), client('new', false))).to.equal('a')
  })

  it('none leaves twice, and the newest not at all', () => {
    expect(leaving(client('a', false, true), client('b', true), client('new', false))).to.equal('b')
    expect(leaving(client('new', false))).to.equal(undefined)
  })
})
