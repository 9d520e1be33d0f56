const { createServer } = require('node:http')
const { text } = require('node:stream/consumers')

exports.server = createServer(async (req, res) => res.end(`http-server ${process.pid} ${await text(req)}`))
