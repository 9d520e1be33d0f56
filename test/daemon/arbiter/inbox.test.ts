/** What the arbiter takes out of its inbox in one turn of the event loop. */
import { expect } from 'chai'
import { Inbox } from '../../../daemon/arbiter/inbox.ts'
import { mostPerTurn } from '../most-per-turn.ts'

describe('the inbox', () => {
  it('keeps events that take long apart, in their order: each has a turn of its own', async () => {
    const inbox = new Inbox<number>()
    for (let event = 1; event <= 8; event += 1) inbox.put(event)
    let handled = 0
    const handleAll = async () => {
      for (let event = 1; event <= 8; event += 1) {
        expect(await inbox.next()).to.equal(event)
        handled += 1
        const end = performance.now() + 10
        while (performance.now() < end);
      }
    }
    expect(await mostPerTurn(() => handled, handleAll())).to.equal(1)
  })
})
