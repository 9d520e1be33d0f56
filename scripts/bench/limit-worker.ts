/** A worker of `limit.ts`: a bare `node:http` server on an inherited socket. */
import http from 'node:http'
import app from './app.ts'

http.createServer(app).listen({ fd: 4 }, () => process.send?.('ready'))
process.once('disconnect', () => process.exit())
