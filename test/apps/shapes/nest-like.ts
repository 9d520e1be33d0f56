/** The surface of a NestJS application that tsicorn goes by. */
import { createServer } from 'node:http'

let text = 'not initialised'

export default {
  init: async () => {
    text = 'nest'
  },
  getHttpAdapter: () => ({
    getInstance: () => ({
      routing: () => undefined,
      ready: async () => {
        text += ' is ready'
      },
    }),
  }),
  getHttpServer: () => createServer((_req, res) => res.end(text)),
  close: async () => console.log('nest is closed'),
}
