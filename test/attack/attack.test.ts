import { expect } from 'chai'
import { storyOf, tableOf } from './report.ts'
import { attack } from './run.ts'

describe('the standing adversary', () => {
  it('finds nothing in a minute: neither what was found before, nor anything else', async function () {
    this.timeout(300_000)
    const said: string[] = []
    const outcomes = await attack({
      seconds: 60,
      seed: 1,
      node: process.execPath,
      only: [],
      tell: message => said.push(message),
    })
    const stories = outcomes.filter(({ violations }) => violations.length > 0).map(storyOf)
    expect(stories, [...said, tableOf(outcomes), ...stories].join('\n')).to.deep.equal([])
    expect(outcomes.length).to.be.greaterThan(0)
  })
})
