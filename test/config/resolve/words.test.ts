/** Text is split into words as a shell splits it, and a misspelt name leads to the one that was meant. */
import { expect } from 'chai'
import { splitWords } from '../../../config/kinds/split-words.ts'
import { nearest } from '../../../config/resolve/spelling.ts'

const splits: [string, unknown][] = [
  ['', { words: [] }],
  ['  -w 4\t-b\n:1 ', { words: ['-w', '4', '-b', ':1'] }],
  [`--name 'a b' "c d"`, { words: ['--name', 'a b', 'c d'] }],
  [`a"b"'c'd`, { words: ['abcd'] }],
  [`'' ""`, { words: ['', ''] }],
  ['a\\ b \\"', { words: ['a b', '"'] }],
  [`'a\\b' "a\\b\\"\\\\"`, { words: ['a\\b', 'a\\b"\\'] }],
  [`'open`, { unclosed: "'" }],
  ['"open', { unclosed: '"' }],
  ['end\\', { unclosed: '\\' }],
]

describe('words of a shell', () => {
  for (const [text, expected] of splits) {
    it(`splits ${JSON.stringify(text)}`, () => {
      expect(splitWords(text)).to.deep.equal(expected)
    })
  }
})

describe('the nearest spelling', () => {
  for (const [given, expected] of [
    ['timout', 'timeout'],
    ['tiemout', 'timeout'],
    ['gracefulTimeout', 'graceful_timeout'],
    ['work', undefined],
    ['x', undefined],
  ]) {
    it(`of ${given} is ${expected}`, () => {
      expect(nearest(given ?? '', ['workers', 'timeout', 'graceful_timeout', 'bind'])).to.equal(expected)
    })
  }
})
