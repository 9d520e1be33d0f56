/** Which part of winston is bundled. */
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

/**
 * Takes of winston what the error log uses, as all of it would be a quarter of the arbiter's start: the logger, one
 * transport and one format, on Node's own streams instead of a copy of them, and without the colors of its levels.
 */
export const smallWinston: Plugin = {
  name: 'small-winston',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^(readable-stream(\/.*)?|@colors\/colors\/safe)$/ }, ({ path }) => ({
      path,
      namespace: 'stand-in',
    }))
    // What its debugging is in production.
    onResolve({ filter: /^@dabh\/diagnostics$/ }, ({ kind, resolveDir }) =>
      resolve('@dabh/diagnostics/node/production.js', { kind, resolveDir }),
    )
    onResolve({ filter: /^winston$/ }, async ({ path, kind, resolveDir }) => {
      const file = await resolve('winston/package.json', { kind, resolveDir })
      return { path, namespace: 'stand-in', pluginData: dirname(file.path) }
    })
    onLoad({ filter: /^(winston|readable|@colors)/, namespace: 'stand-in' }, ({ path, pluginData }) => ({
      contents: contents[path] ?? '',
      resolveDir: (pluginData as string | undefined) ?? '',
    }))
  },
}

const contents: Readonly<Record<string, string>> = {
  winston: `
    import createLogger from './lib/winston/create-logger.js'
    import Stream from './lib/winston/transports/stream.js'
    import printf from 'logform/printf.js'
    export default { createLogger, format: { printf }, transports: { Stream } }`,
  'readable-stream': `module.exports = process.getBuiltinModule('node:stream')`,
  'readable-stream/lib/_stream_writable.js': `module.exports = process.getBuiltinModule('node:stream').Writable`,
  '@colors/colors/safe': 'module.exports = {}',
}
