/** The settings under "Config file". */
import type { Group } from '../kinds/declaration.ts'
import { optionalText } from '../kinds/kinds.ts'
import { list } from '../kinds/lists.ts'

export const configFile = {
  config: {
    kind: optionalText('FILE'),
    default: null,
    default_words: './tsicorn.config.ts, else .mts .js .mjs .cjs .json, if one exists',
    flag: '--config',
    short: '-c',
    doc: 'The configuration file: a path, also written as `file:PATH`. The path starts in the folder where tsicorn was started. Only a flag can set it.',
    effect: 'on restart',
  },
  app: {
    kind: optionalText('APP'),
    default: null,
    flag: '--app',
    alias: 'wsgi_app',
    doc: 'The application, as `path[:export]`: `./app.ts`, `dist/server.js:app`, `some-package:createApp()`. The command-line argument APP sets it too.',
    effect: 'on reload',
  },
  app_args: {
    kind: list('ARG'),
    default: [],
    doc: "What the application finds in `process.argv` after its own file. On the command line, these are the arguments after `--`: `tsicorn ./app.js -- --port 3000`. With `worker_class: 'exec'`, the program and its arguments.",
    effect: 'on reload',
  },
} as const satisfies Group
