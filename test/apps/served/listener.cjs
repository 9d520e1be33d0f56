const { text } = require('node:stream/consumers')

module.exports = async (req, res) => res.end(`listener ${process.pid} ${await text(req)}`)
