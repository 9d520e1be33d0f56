module.exports = function hello(_req, res) {
  res.end('hello')
}
