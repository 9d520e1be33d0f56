/** Exports that cannot be foreseen without running the module. */
module.exports = Object.fromEntries([['api', (_req, res) => res.end('named')]])
