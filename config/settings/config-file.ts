/** The settings under "Config file". */
import type { Group } from '../kinds/declaration.ts'
import { optionalText } from '../kinds/kinds.ts'
import { list } from '../kinds/lists.ts'

export const configFile = {
  config: {
    kind: optionalText('FILE'),
    default: null,
    default_words: './tsicorn.config.ts, else .mts .js .mjs .cjs .json, where there is one',
    flag: '--config',
    short: '-c',
    doc: 'The configuration file: a path, also written as `file:PATH`. It is looked up in the folder that tsicorn was started in. Only a flag can set it.',
    effect: 'on restart',
  },
  app: {
    kind: optionalText('APP'),
    default: null,
    flag: '--app',
    alias: 'wsgi_app',
    doc: 'The application, as `path[:export]`: `./app.ts`, `dist/server.js:app`, `some-package:createApp()`. The argument APP of the command line sets it too.',
    effect: 'on reload',
  },
  app_args: {
    kind: list('ARG'),
    default: [],
    doc: 'What the application finds in `process.argv` behind its own file. On the command line, these are the arguments behind `--`: `tsicorn ./app.js -- --port 3000`.',
    effect: 'on reload',
  },
} as const satisfies Group
