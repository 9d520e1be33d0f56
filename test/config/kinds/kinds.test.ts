/** What each kind of setting makes of texts and values, what it refuses, and that defaults are of their kind. */
import { availableParallelism } from 'node:os'
import { expect } from 'chai'
import {
  anyText,
  boolean,
  bytes,
  choice,
  fileNotPort,
  integer,
  type Kind,
  mode,
  optionalText,
  seconds,
  share,
  text,
} from '../../../config/kinds/kinds.ts'
import { lineFormat } from '../../../config/kinds/line-format.ts'
import { assignments, csv, list, networks, table } from '../../../config/kinds/lists.ts'
import { pattern, probe, stopSignal } from '../../../config/kinds/programs.ts'
import { workerCount } from '../../../config/kinds/worker-count.ts'
import { defaultOf } from '../../../config/resolve/layers.ts'
import { declarations, settingNames } from '../../../config/table.ts'

/** What each kind makes of texts (as flags give them) and of values (as files do); undefined is a refusal. */
const cases: Record<string, { kind: Kind; texts: [string, unknown][]; values: [unknown, unknown][] }> = {
  integer: {
    kind: integer({ max: 100 }),
    texts: [
      ['0', 0],
      ['42', 42],
      ['0x1f', 31],
      ['0o17', 15],
      ['-1', undefined],
      ['101', undefined],
      ['1.5', undefined],
      ['', undefined],
      ['1e1', undefined],
    ],
    values: [
      [7, 7],
      ['7', undefined],
      [Number.NaN, undefined],
      [null, undefined],
      [true, undefined],
    ],
  },
  stopSignal: {
    kind: stopSignal,
    texts: [
      ['TERM', 'TERM'],
      ['sigint', 'INT'],
      [' QUIT ', 'QUIT'],
      ['SIG', undefined],
      ['KILL', undefined],
      ['15', undefined],
      ['', undefined],
    ],
    values: [
      ['SIGUSR1', 'USR1'],
      [15, undefined],
      [null, undefined],
    ],
  },
  pattern: {
    kind: pattern,
    texts: [
      ['^ready$', '^ready$'],
      ['', null],
      ['(', undefined],
      ['[z-a]', undefined],
    ],
    values: [
      [null, null],
      [/ready/, undefined],
      [7, undefined],
    ],
  },
  probe: {
    kind: probe,
    texts: [
      ['http://127.0.0.1:9000/health?full=1', 'http://127.0.0.1:9000/health?full=1'],
      ['http://127.0.0.1:900{index}/', 'http://127.0.0.1:900{index}/'],
      ['unix:/run/app-{pid}.sock', 'unix:/run/app-{pid}.sock'],
      ['http://unix:/run/app.sock:/health', 'http://unix:/run/app.sock:/health'],
      ['', null],
      ['https://127.0.0.1/', undefined],
      ['http://', undefined],
      ['http://127.0.0.1:99999/', undefined],
      ['127.0.0.1:9000', undefined],
      ['unix:', undefined],
    ],
    values: [
      [null, null],
      [9000, undefined],
    ],
  },
  seconds: {
    kind: seconds,
    texts: [
      ['0', 0],
      ['2.5', 2.5],
      ['-3', undefined],
      ['30s', undefined],
      ['Infinity', undefined],
    ],
    values: [
      [0.25, 0.25],
      [Number.POSITIVE_INFINITY, undefined],
      ['3', undefined],
    ],
  },
  bytes: {
    kind: bytes,
    texts: [
      ['0', 0],
      ['1024', 1024],
      ['2k', 2048],
      ['1M', 1048576],
      ['1G', 1073741824],
      ['1T', undefined],
      ['1.5M', undefined],
    ],
    values: [
      [512, 512],
      ['512K', 524288],
      [-1, undefined],
    ],
  },
  mode: {
    kind: mode,
    texts: [
      ['0117', 0o117],
      ['0o117', 0o117],
      ['79', 79],
      ['0x4f', 79],
      ['0', 0],
      ['0999', undefined],
      ['01000', undefined],
    ],
    values: [
      [0o117, 0o117],
      ['0117', 0o117],
      [-1, undefined],
      [0o1000, undefined],
    ],
  },
  boolean: {
    kind: boolean,
    texts: [
      ['true', true],
      ['no', undefined],
    ],
    values: [
      [false, false],
      ['true', undefined],
      [0, undefined],
    ],
  },
  text: {
    kind: text('NAME'),
    texts: [
      [' a b ', 'a b'],
      ['  ', undefined],
    ],
    values: [[3, undefined]],
  },
  'a line format': {
    kind: lineFormat,
    texts: [
      [' %(h)s "%({x-reply}o)s" %(s)d %% ', '%(h)s "%({x-reply}o)s" %(s)d %%'],
      ['plain', 'plain'],
      ['100 %', undefined],
      ['%z', undefined],
      ['%(h', undefined],
      ['%%%', undefined],
      [' ', undefined],
      ['json', 'json'],
    ],
    values: [
      [3, undefined],
      [String, String],
    ],
  },
  'any text': {
    kind: anyText('NAME'),
    texts: [
      ['', ''],
      [' a', ' a'],
    ],
    values: [[null, undefined]],
  },
  'optional text': {
    kind: optionalText('NAME'),
    texts: [
      ['a', 'a'],
      ['', null],
    ],
    values: [
      [null, null],
      [3, undefined],
    ],
  },
  fileNotPort: {
    kind: fileNotPort,
    texts: [
      ['app.pid', 'app.pid'],
      ['/run/3000.pid', '/run/3000.pid'],
      ['./3000', './3000'],
      ['', null],
      ['3000', undefined],
    ],
    values: [
      [null, null],
      ['3000', undefined],
      [3000, undefined],
    ],
  },
  choice: {
    kind: choice(['on', 'off']),
    texts: [
      ['on', 'on'],
      ['ON', undefined],
    ],
    values: [[true, undefined]],
  },
  list: {
    kind: list('NAME'),
    texts: [['a,b', ['a,b']]],
    values: [
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      [[], []],
      [[1], undefined],
      [null, undefined],
    ],
  },
  csv: {
    kind: csv(['h1', 'h2']),
    texts: [
      ['h2, h1', ['h2', 'h1']],
      ['h3', undefined],
    ],
    values: [[['h1'], ['h1']]],
  },
  assignments: {
    kind: assignments,
    texts: [
      ['A=1=2', ['A=1=2']],
      ['A=', ['A=']],
      ['A', undefined],
      ['=1', undefined],
    ],
    values: [
      [{ A: '1', B: '' }, ['A=1', 'B=']],
      [['A=1'], ['A=1']],
      [{ A: 1 }, undefined],
    ],
  },
  networks: {
    kind: networks,
    texts: [
      ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
      ['*', ['*']],
      ['10.0.0.1/8', undefined],
      ['2001:db8::/32', ['2001:db8::/32']],
      ['2001:db8::1/32', undefined],
      ['::ffff:10.0.0.0/104', ['::ffff:10.0.0.0/104']],
      ['::ffff:10.0.0.1/104', undefined],
      ['10.0.0.0/33', undefined],
      ['localhost', undefined],
      ['', []],
    ],
    values: [[['127.0.0.1'], ['127.0.0.1']]],
  },
  table: {
    kind: table,
    texts: [],
    values: [
      [{ a: 'b' }, { a: 'b' }],
      [{ a: 1 }, undefined],
      [[], undefined],
      [null, undefined],
    ],
  },
  workerCount: {
    kind: workerCount,
    texts: [
      ['4', 4],
      ['auto', availableParallelism()],
      ['2..8', { min: 2, max: 8 }],
      ['1..auto', { min: 1, max: availableParallelism() }],
      ['0', undefined],
      ['many', undefined],
      ['8..2', undefined],
      ['2..', undefined],
      ['2..4..8', undefined],
    ],
    values: [
      ['auto', availableParallelism()],
      [1.5, undefined],
      [
        { min: 2, max: 2 },
        { min: 2, max: 2 },
      ],
      [
        { min: 1, max: 'auto' },
        { min: 1, max: availableParallelism() },
      ],
      [{ min: 0, max: 2 }, undefined],
      [{ max: 2 }, undefined],
      [{ min: 1, max: 2, most: 3 }, undefined],
      [null, undefined],
      [[1, 2], undefined],
    ],
  },
  share: {
    kind: share,
    texts: [
      ['2', 2],
      ['25%', '25%'],
      ['100%', '100%'],
      ['0', undefined],
      ['0%', undefined],
      ['101%', undefined],
    ],
    values: [
      [3, 3],
      ['3', undefined],
    ],
  },
}

describe('kinds of values', () => {
  for (const [name, { kind, texts, values }] of Object.entries(cases)) {
    for (const [written, expected] of texts) {
      it(`${name} makes ${JSON.stringify(expected) ?? 'a refusal'} of the text ${JSON.stringify(written)}`, () => {
        expect(kind.read(kind.fromText(written))).to.deep.equal(expected)
      })
    }
    for (const [written, expected] of values) {
      it(`${name} makes ${JSON.stringify(expected) ?? 'a refusal'} of the value ${JSON.stringify(written)}`, () => {
        expect(kind.read(written)).to.deep.equal(expected)
      })
    }
  }

  for (const name of settingNames) {
    it(`${name} has a default that its kind reads as itself`, () => {
      const usual = defaultOf(name, { cwd: '/srv', app: './app.ts', platform: 'linux' })
      expect(declarations[name].kind.read(usual)).to.deep.equal(usual)
    })
  }
})
