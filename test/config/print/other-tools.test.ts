/** Commands, flags and keys of other tools are refused with what to use here, and one mistake is one error. */
import { expect } from 'chai'
import { otherCommands, otherFlags, otherKeys } from '../../../config/other-tools.ts'
import { parseFlags } from '../../../config/resolve/flags.ts'
import { sortKeys } from '../../../config/resolve/keys.ts'
import { declarations, settingNamed, settingNames } from '../../../config/table.ts'
import { removeFolders } from '../load/folder.ts'
import { refused, resolved } from '../resolve/resolving.ts'

const ownFlags = settingNames.flatMap(name => {
  const { flag, short, also = [], kind } = declarations[name]
  return [flag, short, ...also, kind.switch && flag && `--no-${flag.slice(2)}`]
})

describe('one who comes from another tool', () => {
  afterEach(removeFolders)

  for (const [name, use] of Object.entries(otherCommands)) {
    it(`is told what to do instead of ${name}`, async () => {
      for (const argv of [[name], [name, './app.js'], [name, 'all', 'more']]) {
        const { message, exitCode } = await refused({ argv })
        expect(message.split('\n')[0]).to.equal(`${name} is not a sub-command here: ${use}`)
        expect(exitCode).to.equal(2)
      }
    })
  }

  it('may have an application of that name', async () => {
    for (const files of [{ 'start.ts': '' }, { start: '' }, { 'node_modules/start/index.js': '' }]) {
      expect((await resolved({ argv: ['start'], files })).settings.app).to.equal('start')
    }
    expect((await resolved({ argv: ['--app', 'start'] })).settings.app).to.equal('start')
  })

  for (const [key, use] of Object.entries(otherKeys)) {
    it(`is told what to use instead of ${key}`, () => {
      expect(settingNamed(key)).to.equal(undefined)
      expect(sortKeys({ [key]: 1 }, 'f').problems).to.deep.equal([
        { origin: 'f', message: `${key} is not a setting: ${use}` },
      ])
    })
  }

  for (const [flag, use] of Object.entries(otherFlags)) {
    it(`is told what to write instead of ${flag}`, () => {
      expect(ownFlags).not.to.include(flag)
      expect(parseFlags([flag]).problems[0]?.message).to.equal(`${flag} is not a flag: ${use}`)
    })
  }

  it('is told only what is', () => {
    const all = [otherCommands, otherFlags, otherKeys].flatMap(table => Object.values(table)).join('\n')
    for (const [flag] of all.matchAll(/(?<=write )--?[\w-]+|(?<=with )--[\w-]+/g))
      expect([...ownFlags, '--help', '--version']).to.include(flag)
    for (const [name] of all.matchAll(/(?<=use |set |and )[a-z]+_[a-z_]+/g))
      expect(settingNamed(name), name).not.to.equal(undefined)
  })
})

describe('one mistake', () => {
  afterEach(removeFolders)

  for (const argv of [
    ['--port', '3000', './app.js'],
    ['./app.js', '--port', '3000'],
    ['--port=3000', './app.js'],
    ['--prot', '3000', './app.js'],
    ['start', './app.js', '-w', '2'],
    ['-z', './app.js'],
  ]) {
    it(`is one error: ${argv.join(' ')}`, async () => {
      expect((await refused({ argv })).problems).to.have.length(1)
    })
  }
})
