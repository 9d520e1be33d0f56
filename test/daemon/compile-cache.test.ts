/** Where compiled code is kept for a user, and that no other user can put any there. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type CacheVariables, cacheFolder, removeOld } from '../../daemon/compile-cache.ts'
import { isPrivate } from '../../daemon/system/private-folder.ts'

describe('the folder for compiled code', () => {
  const cases: readonly (readonly [CacheVariables, number | undefined, string | undefined])[] = [
    [{ HOME: '/home/a' }, 1000, '/home/a/.cache/tsicorn'],
    [{ HOME: '/home/a', XDG_CACHE_HOME: '/cache' }, 1000, '/cache/tsicorn'],
    [
      { HOME: '/home/a', CACHE_DIRECTORY: '/var/cache/app:/var/cache/other' },
      1000,
      '/var/cache/app/compiled',
    ],
    // Of a home folder that is not root's, as sudo leaves it.
    [{ HOME: '/home/a', XDG_CACHE_HOME: '/cache' }, 0, '/var/cache/tsicorn'],
    [{ XDG_CACHE_HOME: '', HOME: '' }, 1000, undefined],
    [{ XDG_CACHE_HOME: 'relative' }, 1000, undefined],
    [{}, undefined, undefined],
  ]
  for (const [variables, user, folder] of cases) {
    it(`is ${folder ?? 'nowhere'} for user ${user ?? 'nobody'} with ${JSON.stringify(variables)}`, () => {
      expect(cacheFolder(variables, user)).to.equal(folder)
    })
  }

  describe('', () => {
    const user = process.geteuid?.()
    let place: string

    beforeEach(() => {
      place = mkdtempSync(join(tmpdir(), 'tsicorn-cache-'))
    })
    afterEach(() => rmSync(place, { recursive: true }))

    it('is made for this user alone', () => {
      const folder = join(place, 'mine')
      expect(isPrivate(folder, user)).to.equal(true)
      expect(statSync(folder).mode & 0o777).to.equal(0o700)
      expect(isPrivate(folder, user), 'again').to.equal(true)
    })

    it('is made in a folder that is made for it too, but not by root', () => {
      expect(isPrivate(join(place, 'a/b'), user)).to.equal(user !== 0)
      expect(existsSync(join(place, 'a'))).to.equal(user !== 0)
    })

    it('is not used in a folder where others can replace it', () => {
      mkdirSync(join(place, 'shared'))
      const folder = join(place, 'shared/mine')
      mkdirSync(folder, { mode: 0o700 })
      const modes: readonly (readonly [mode: number, isPrivate: boolean])[] = [
        [0o755, true],
        [0o1777, true],
        [0o777, false],
        [0o775, false],
      ]
      for (const [mode, expected] of modes) {
        chmodSync(join(place, 'shared'), mode)
        expect(isPrivate(folder, user), mode.toString(8)).to.equal(expected)
      }
    })

    it('loses what is old, and only that', async () => {
      mkdirSync(join(place, 'v24'))
      for (const name of ['old', 'new']) writeFileSync(join(place, 'v24', name), '')
      utimesSync(join(place, 'v24/old'), 1, 1)
      await removeOld(place, 2_000)
      expect(['old', 'new'].map(name => existsSync(join(place, 'v24', name)))).to.deep.equal([false, true])
      await removeOld(join(place, 'missing'), 2_000)
    })

    it('is not used if others may write to it, or read it', () => {
      for (const mode of [0o777, 0o720, 0o704]) {
        chmodSync(place, mode)
        expect(isPrivate(place, user), mode.toString(8)).to.equal(false)
      }
    })

    it('is not used through a link, nor if it is a file or cannot be made', () => {
      mkdirSync(join(place, 'mine'), { mode: 0o700 })
      symlinkSync('mine', join(place, 'link'))
      expect(isPrivate(join(place, 'link'), user)).to.equal(false)
      expect(isPrivate(join(process.execPath, 'inside'), user)).to.equal(false)
      expect(isPrivate('/proc/tsicorn', user)).to.equal(false)
    })

    it("is not used if it is somebody else's", function () {
      if (user !== 0) this.skip()
      const folder = join(place, 'mine')
      mkdirSync(folder, { mode: 0o700 })
      chownSync(place, 65_534, 65_534)
      expect(isPrivate(place, user)).to.equal(false)
      expect(isPrivate(folder, user), 'or in a folder of somebody else').to.equal(false)
    })
  })
})
