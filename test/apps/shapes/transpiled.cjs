/** What compilers make of `export default`. */
Object.defineProperty(exports, '__esModule', { value: true })
exports.default = (_req, res) => res.end('transpiled')
