import { answer } from './answers.mjs'

export default (req, res) => answer(req, res)
