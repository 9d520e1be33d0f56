/** How specs such as `./app.ts:create(1)` are read, and what is said of those that are wrong. */
import { expect } from 'chai'
import { array, assert, constant, dictionary, double, letrec, oneof, property, string } from 'fast-check'
import type { Literal } from '../../../worker/app/literal-reader.ts'
import { parseAppSpec } from '../../../worker/app/spec.ts'
import { AppError } from '../../../worker/protocol/boot-error.ts'

const understood: readonly (readonly [
  text: string,
  path: string,
  name?: string,
  args?: readonly Literal[],
])[] = [
  ['./app.ts', './app.ts'],
  ['./app.ts:app', './app.ts', 'app'],
  ['@scope/pkg:create()', '@scope/pkg', 'create', []],
  ['/srv/app.js: create ( ) ', '/srv/app.js', 'create', []],
  [
    `a.ts:create('x', "y", 3, -1.5e3, 0x10, true, null, undefined)`,
    'a.ts',
    'create',
    ['x', 'y', 3, -1500, 16, true, null, undefined],
  ],
  ['a.ts:create(count=3)', 'a.ts', 'create', [{ count: 3 }]],
  [`a.ts:create('x', count=3, names=['a', 'b'],)`, 'a.ts', 'create', ['x', { count: 3, names: ['a', 'b'] }]],
  [
    `a.ts:create({ url: 'http://x:1/', 'a b': [1, [2]] })`,
    'a.ts',
    'create',
    [{ url: 'http://x:1/', 'a b': [1, [2]] }],
  ],
  [String.raw`a.ts:create('it\'s\n\u0041')`, 'a.ts', 'create', ["it's\nA"]],
]

const misunderstood: readonly (readonly [text: string, message: RegExp])[] = [
  ['', /^The app "" names no file: write it as \.\/app\.ts or \.\/app\.ts:app$/],
  [':app', /names no file/],
  ['./app.ts()', /names no factory: write it as \.\/app\.ts:create\(\)$/],
  ['./app.ts:', /at character 10: the name of an export must follow the colon$/],
  ['./app.ts:app.server', /at character 13: only a plain export can be named/],
  ['./app.ts:create(', /at character 17: a value is missing$/],
  ['./app.ts:create(1 2)', /at character 19: a comma or a closing parenthesis is missing$/],
  ['./app.ts:create(1) + 1', /at character 20: nothing can follow the call$/],
  ['./app.ts:create(True)', /True is not a literal here: write true$/],
  ['./app.ts:create(process.env)', /process is not a literal: use strings, numbers/],
  ['./app.ts:create(inner())', /inner is not a literal/],
  ['./app.ts:create("x)', /at character 17: the string has no closing quote$/],
  ['./app.ts:create(a=1, a=2)', /the argument a is given twice$/],
  ['./app.ts:create(a=1, 2)', /a positional argument cannot follow a keyword argument$/],
]

describe('an app spec', () => {
  for (const [text, path, name, args] of understood) {
    it(`understands ${text}`, () => {
      expect(parseAppSpec(text)).to.deep.equal({ text, path, ...(name && { name }), ...(args && { args }) })
    })
  }

  for (const [text, message] of misunderstood) {
    it(`says what is wrong with ${JSON.stringify(text)}`, () => {
      expect(() => parseAppSpec(text)).to.throw(AppError, message)
    })
  }

  it('reads every JSON value as JSON does', () => {
    const { value } = letrec(tie => ({
      value: oneof(
        { depthSize: 'small' },
        constant(null),
        constant(true),
        double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0),
        string({ unit: 'binary' }),
        array(tie('value'), { maxLength: 3 }),
        dictionary(string(), tie('value'), { maxKeys: 3 }),
      ),
    }))
    assert(
      property(value, json => {
        const text = JSON.stringify(json)
        expect(parseAppSpec(`a.ts:f(${text})`).args).to.deep.equal([JSON.parse(text)])
      }),
    )
  })

  it('answers any text with a spec or an AppError', () => {
    assert(
      property(string({ unit: 'binary' }), text => {
        try {
          parseAppSpec(`a.ts:f(${text}`)
        } catch (error) {
          expect(error).to.be.an.instanceOf(AppError)
        }
      }),
    )
  })
})
