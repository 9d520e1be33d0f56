/** Whatever a file throws when it is loaded is explained. */
import { expect } from 'chai'
import { explainLoadError, userStack } from '../../../config/load/load-error.ts'

const throwing = {
  get(): never {
    throw new Error('trap')
  },
  getPrototypeOf(): never {
    throw new Error('trap')
  },
}

function changed(properties: PropertyDescriptorMap): Error {
  return Object.defineProperties(new Error('broken'), properties)
}

const strange: readonly (readonly [what: string, thrown: unknown, message: RegExp])[] = [
  [
    'a list of frames for a stack',
    changed({ stack: { value: [{}, {}] } }),
    /^Cannot load it: it threw Error: broken$/,
  ],
  ['no stack', changed({ stack: { value: undefined } }), /it threw Error: broken$/],
  ['a stack that throws', changed({ stack: throwing }), /it threw Error: broken$/],
  ['a message that is a number', changed({ message: { value: 5 } }), /it threw Error: Error: 5$/],
  [
    'a message that throws',
    changed({ message: throwing }),
    /it threw Error: a value that has no text \(object\)$/,
  ],
  ['a name that is none', changed({ name: { value: {} } }), /it threw Error: broken$/],
  ['a constructor that throws', changed({ constructor: throwing }), /it threw Error: broken$/],
  ['a code that throws', changed({ code: throwing }), /it threw Error: broken$/],
  ['a proxy that throws', new Proxy({}, throwing), /it threw a value that has no text \(object\)$/],
  ['nothing', undefined, /it threw undefined$/],
]

describe('an error of a file that is loaded', () => {
  for (const [what, thrown, message] of strange) {
    it(`is explained with ${what}`, async () => {
      expect((await explainLoadError(thrown, '/app.mjs')).message).to.match(message)
      expect(userStack(thrown) ?? '').to.be.a('string')
    })
  }
})
