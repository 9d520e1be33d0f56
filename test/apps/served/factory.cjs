const { text } = require('node:stream/consumers')

exports.create =
  (word, { times = 1 } = {}) =>
  async (req, res) =>
    res.end(`${word.repeat(times)} ${process.pid} ${await text(req)}`)
