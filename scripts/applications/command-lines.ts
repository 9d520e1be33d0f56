/** Servers that are started by a command line. */
import type { Application } from './application.ts'

const pets = {
  'api.yaml': `openapi: 3.0.0
info: { title: pets, version: '1' }
paths:
  /pets:
    get:
      responses:
        '200':
          description: all
          content: { application/json: { example: [{ name: a cat }] } }
`,
}

const page = { 'public/index.html': '<!doctype html><title>site</title><p>a page\n' }

export const commandLines: readonly Application[] = [
  {
    name: 'http-server',
    packages: { 'http-server': '14.1.1' },
    files: page,
    start: ['./node_modules/.bin/http-server', 'public', '-p', '{port}', '-s'],
    says: 'a page',
    short: true,
  },
  {
    name: 'serve',
    packages: { serve: '14.2.7' },
    files: page,
    start: ['./node_modules/.bin/serve', '-l', '{port}', 'public'],
    says: 'a page',
    short: true,
  },
  {
    name: 'sirv-cli',
    packages: { 'sirv-cli': '3.0.1' },
    files: page,
    start: ['./node_modules/.bin/sirv', 'public', '--port', '{port}', '--quiet'],
    says: 'a page',
  },
  {
    name: 'json-server',
    packages: { 'json-server': '0.17.4' },
    files: { 'db.json': '{ "posts": [{ "id": 1, "title": "a title" }] }\n' },
    start: ['./node_modules/.bin/json-server', '--port', '{port}', '--quiet', 'db.json'],
    path: '/posts/1',
    says: 'a title',
    short: true,
  },
  {
    name: 'live-server',
    packages: { 'live-server': '1.2.2' },
    files: page,
    start: ['./node_modules/.bin/live-server', 'public', '--port={port}', '--no-browser', '-q'],
    says: 'a page',
  },
  {
    name: 'local-web-server',
    packages: { 'local-web-server': '5.4.0' },
    files: page,
    start: ['./node_modules/.bin/ws', '--port', '{port}', '--directory', 'public'],
    says: 'a page',
  },
  {
    name: 'verdaccio',
    packages: { verdaccio: '6.10.4' },
    // It is named by a tag, which mirrors of the registry may not have.
    overrides: { 'node-fetch': '2.7.0' },
    start: ['./node_modules/.bin/verdaccio', '--listen', '{port}'],
    path: '/-/ping',
    says: '{}',
  },
  {
    name: 'node-red',
    packages: { 'node-red': '5.0.7' },
    start: ['./node_modules/.bin/node-red', '--port', '{port}', '--userDir', './data', 'flows.json'],
    says: 'Node-RED',
  },
  {
    name: 'peer',
    packages: { peer: '1.0.2' },
    start: ['./node_modules/.bin/peerjs', '--port', '{port}'],
    says: 'PeerJS Server',
  },
  {
    name: 'prism-cli',
    packages: { '@stoplight/prism-cli': '5.16.0' },
    files: pets,
    start: ['./node_modules/.bin/prism', 'mock', '--port', '{port}', 'api.yaml'],
    path: '/pets',
    says: 'a cat',
  },
  {
    name: 'docsify-cli',
    packages: { 'docsify-cli': '5.0.0' },
    files: { 'docs/index.html': '<!doctype html><p>a page\n' },
    start: ['./node_modules/.bin/docsify', 'serve', 'docs', '--port', '{port}'],
    says: 'a page',
  },
  {
    name: 'mockoon-cli',
    packages: { '@mockoon/cli': '9.9.0' },
    files: pets,
    start: ['./node_modules/.bin/mockoon-cli', 'start', '--data', 'api.yaml', '--port', '{port}'],
    path: '/pets',
    // Without a schema, it invents no content.
    says: '',
  },
]
