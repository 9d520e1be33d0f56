/** Frameworks, each with the application that its documentation or its generator starts with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Application } from './application.ts'

const PORT = { PORT: '{port}' }

/** A generated app has packages of its own. */
const installApp = [
  'npm',
  'install',
  '--prefix',
  'app',
  '--no-audit',
  '--no-fund',
  '--ignore-scripts',
  '--omit=dev',
]

export const frameworks: readonly Application[] = [
  {
    name: 'express-generator',
    packages: { 'express-generator': '4.16.1' },
    prepare: [['./node_modules/.bin/express', '--no-view', 'app'], installApp],
    start: ['./app/bin/www'],
    env: PORT,
    says: 'Welcome to Express',
    short: true,
  },
  {
    name: 'fastify-cli',
    packages: { 'fastify-cli': '8.0.2' },
    prepare: [['./node_modules/.bin/fastify', 'generate', 'app'], installApp],
    start: ['./app/node_modules/.bin/fastify', 'start', '--port', '{port}', 'app/app.js'],
    says: 'root',
    short: true,
  },
  { name: 'express', packages: { express: '5.3.0' }, ...program('express.cjs'), says: 'Hello World!' },
  { name: 'koa', packages: { koa: '3.3.0' }, ...program('koa.cjs'), says: 'Hello World!' },
  { name: 'fastify', packages: { fastify: '5.12.8' }, ...program('fastify.cjs'), says: 'Hello World!' },
  {
    name: 'hono',
    packages: { '@hono/node-server': '2.1.8', hono: '4.13.19' },
    ...program('hono.mjs'),
    says: 'Hello World!',
    short: true,
  },
  { name: 'h3', packages: { h3: '2.0.8' }, ...program('h3.mjs'), says: 'Hello World!' },
  {
    name: 'srvx',
    packages: { srvx: '1.0.8' },
    files: { 'server.mjs': `export default { fetch: (req) => new Response('Hello World!') }\n` },
    start: ['./node_modules/.bin/srvx', 'serve', '--prod', '--port', '{port}'],
    says: 'Hello World!',
  },
  {
    name: 'elysia',
    packages: { elysia: '1.4.30', '@elysiajs/node': '1.4.5' },
    ...program('elysia.mjs'),
    says: 'Hello World!',
  },
  {
    name: 'feathers',
    packages: { '@feathersjs/koa': '5.0.50', '@feathersjs/feathers': '5.0.50' },
    ...program('feathers.mjs'),
    says: 'Hello World!',
  },
  { name: 'hapi', packages: { '@hapi/hapi': '21.4.10' }, ...program('hapi.cjs'), says: 'Hello World!' },
  { name: 'restify', packages: { restify: '12.0.0' }, ...program('restify.cjs'), says: 'Hello World!' },
  {
    name: 'httpolyglot',
    packages: { '@httptoolkit/httpolyglot': '3.1.0' },
    ...program('httpolyglot.cjs'),
    says: 'Hello World!',
  },
  { name: 'polka', packages: { polka: '0.5.2' }, ...program('polka.cjs'), says: 'Hello World!' },
  {
    name: 'micro',
    packages: { micro: '10.0.1' },
    files: { 'index.js': `module.exports = (req, res) => {\n  res.end('Hello World!');\n};\n` },
    start: ['./node_modules/.bin/micro', '-l', 'tcp://0.0.0.0:{port}', 'index.js'],
    says: 'Hello World!',
  },
  {
    name: 'apollo-server',
    packages: { '@apollo/server': '5.5.1', graphql: '16.15.0' },
    ...program('apollo-server.mjs'),
    says: 'Hello World!',
    path: '/?query=%7Bhello%7D',
  },
  {
    name: 'graphql-yoga',
    packages: { 'graphql-yoga': '5.24.1', graphql: '16.15.0' },
    ...program('graphql-yoga.mjs'),
    says: 'Hello World!',
    path: '/graphql?query=%7Bhello%7D',
  },
  {
    name: 'socket.io',
    packages: { 'socket.io': '4.8.4', express: '5.3.0' },
    ...program('socket.io.cjs'),
    says: 'Hello World!',
    short: true,
  },
  {
    name: 'trpc',
    packages: { '@trpc/server': '11.25.2' },
    ...program('trpc.mjs'),
    says: 'Hello World!',
    path: '/hello',
  },
  {
    name: 'trpc-handler',
    packages: { '@trpc/server': '11.25.2' },
    ...program('trpc-handler.mjs', 'trpc.mjs'),
    options: ['-b', '127.0.0.1:{port}'],
    yardstick: ['./trpc.mjs'],
    says: 'Hello World!',
    path: '/hello',
  },
]

/** A program from the folder `programs`, with the example that the framework's documentation starts with. */
function program(main: string, ...more: readonly string[]): Pick<Application, 'files' | 'start' | 'env'> {
  const read = (file: string) => readFileSync(join(import.meta.dirname, 'programs', file), 'utf8')
  const files = Object.fromEntries([main, ...more].map(file => [file, read(file)]))
  return { files, start: [`./${main}`], env: PORT }
}
