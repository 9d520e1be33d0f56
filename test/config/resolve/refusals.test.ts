/** Settings and hooks that are refused, each with its reason, a cure, or the name that was meant. */
import { expect } from 'chai'
import { sortKeys } from '../../../config/resolve/keys.ts'
import { missing } from '../../../config/resolve/missing.ts'
import { dirtyHooks } from '../../../config/settings/dirty-arbiters.ts'
import { declarations, settingNames } from '../../../config/table.ts'
import { hookTable } from '../../../hooks/table.ts'
import { removeFolders } from '../load/folder.ts'
import { refused, resolved, unusual } from './resolving.ts'

describe('settings that are not available yet', () => {
  afterEach(removeFolders)

  const later = settingNames.filter(name => declarations[name].available !== undefined)
  for (const name of later) {
    it(`refuses ${name} in a file`, async () => {
      const files = { 'tsicorn.config.json': JSON.stringify({ app: 'a', [name]: unusual(name) }) }
      const { message, exitCode } = await refused({ files })
      expect(message).to.match(new RegExp(`^tsicorn.config.json: ${name}( "sync")? is not available yet$`))
      expect(exitCode).to.equal(1)
    })
  }

  it('accepts the default of such a setting', async () => {
    const files = {
      'tsicorn.config.json': '{ "app": "a", "preload_app": false, "worker_class": "async", "threads": 1 }',
    }
    expect((await resolved({ files })).settings.preload_app).to.equal(false)
  })

  for (const name of Object.keys(dirtyHooks)) {
    it(`refuses the hook ${name}`, () => {
      expect(sortKeys({ [name]: () => undefined }, 'f').problems).to.deep.equal([
        { origin: 'f', message: `${name} is not available yet` },
      ])
    })
  }
})

describe('settings that cannot exist in Node', () => {
  afterEach(removeFolders)

  for (const [name, { flags, value, reason, cure, verdict = 'cannot exist in Node' }] of Object.entries(
    missing,
  )) {
    it(`refuses ${name} with a reason and a cure`, () => {
      const message = `${name} ${verdict}: ${reason}: ${cure}`
      expect(sortKeys({ [name]: 1 }, 'f').problems).to.deep.equal([{ origin: 'f', message }])
    })
    for (const flag of flags) {
      it(`refuses ${flag} and ends with 1`, async () => {
        const { message, exitCode } = await refused({ argv: ['a', flag, ...(value ? ['x'] : [])] })
        expect([message, exitCode]).to.deep.equal([`${flag} ${verdict}: ${reason}: ${cure}`, 1])
      })
    }
  }
})

describe('hooks in a configuration', () => {
  for (const [name, { args }] of Object.entries(hookTable)) {
    it(`accepts ${name} with as many arguments as it is called with, or none`, () => {
      const all = Object.defineProperty(() => undefined, 'length', { value: args.length })
      for (const hook of [all, () => undefined]) {
        expect(sortKeys({ [name]: hook }, 'f')).to.deep.include({ problems: [], hooks: { [name]: hook } })
      }
    })

    it(`refuses ${name} with more arguments`, () => {
      const more = Object.defineProperty(() => undefined, 'length', { value: args.length + 1 })
      expect(sortKeys({ [name]: more }, 'f').problems[0]?.message).to.equal(
        `${name} is called with (${args.join(', ')}), and this function wants ${args.length + 1} arguments`,
      )
    })
  }

  it('refuses what is not a function', () => {
    expect(sortKeys({ pre_fork: 'echo' }, 'f').problems[0]?.message).to.equal(
      'pre_fork must be a function of (server, worker), not string',
    )
  })

  it('hints at the hook that was meant', () => {
    expect(sortKeys({ prefork: () => undefined }, 'f').problems[0]?.message).to.equal(
      'prefork is not a setting: did you mean pre_fork?',
    )
  })

  it('hints at the setting when a key is spelled like its flag', () => {
    expect(sortKeys({ access_logfile: '-' }, 'f').problems[0]?.message).to.equal(
      'access_logfile is not a setting: did you mean accesslog?',
    )
  })
})
