/** Which lines of a stack come from our own files, and which from those of the user. */
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { isOwnFrame, packageFolder } from '../../hooks/own-files.ts'

describe('a frame of a stack', () => {
  const frame = (place: string) => `    at run (${place}:1:2)`

  for (const file of ['dist/worker-preload.js', 'worker/app/load.ts', 'daemon/main.ts']) {
    it(`in ${file} is ours, by its URL and by its path`, () => {
      expect(isOwnFrame(frame(`${packageFolder}${file}`))).to.equal(true)
      expect(isOwnFrame(frame(`${fileURLToPath(packageFolder)}${file}`))).to.equal(true)
    })
  }

  it("in the user's files is not, nor is another line that names ours", () => {
    expect(isOwnFrame(frame('file:///srv/app/worker/load.ts'))).to.equal(false)
    expect(isOwnFrame(frame(`${packageFolder}examples/hello.ts`))).to.equal(false)
    expect(isOwnFrame(`Error: ${packageFolder}worker/app/load.ts`)).to.equal(false)
  })
})
