/** Where this package is, and which frames of a stack are its own: it runs from its sources, or as bundles in `dist`. */
import { fileURLToPath } from 'node:url'

/** This file and every bundle lie one folder below it. */
export const packageFolder = new URL('..', import.meta.url).href

const isBundled = import.meta.url.endsWith('.js')

/** Node names the source of a bundle where it reads source maps, and as a path. */
const ownFolders = ['dist/', 'config/', 'daemon/', 'hooks/', 'worker/'].flatMap(folder => {
  const url = `${packageFolder}${folder}`
  return [url, fileURLToPath(url)]
})

/** The first file of a process, by its path among the sources and without ending: `worker/preload`. */
export function entryFile(path: string): URL {
  return new URL(isBundled ? `dist/${path.replaceAll('/', '-')}.js` : `${path}.ts`, packageFolder)
}

/** A file that is not code of Node, by its path among the sources: the build copies it into `dist`. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(isBundled ? `dist/${path.replaceAll('/', '-')}` : path, packageFolder))
}

/** Whether this line of a stack is a frame of this package. */
export function isOwnFrame(line: string): boolean {
  return /^ +at /.test(line) && ownFolders.some(folder => line.includes(folder))
}
