/** The surface of a NestJS application that tsicorn goes by. */
import { createServer } from 'node:http'

let text = 'not initialised'

const ready = async () => {
  text = `${text} is ready`
}

export default {
  init: async () => {
    text = 'nest'
  },
  getHttpAdapter: () => ({
    getInstance: () => ({ routing: () => undefined, ready }),
  }),
  getHttpServer: () => createServer((_req, res) => res.end(text)),
  close: async () => console.log('nest is closed'),
}
