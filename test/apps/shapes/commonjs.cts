import http = require('node:http')

const { STATUS_CODES } = http

export = (_req: http.IncomingMessage, res: http.ServerResponse) => res.end(`commonjs ${STATUS_CODES[200]}`)
