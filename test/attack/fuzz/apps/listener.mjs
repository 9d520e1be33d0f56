/** An attacked request listener, with nothing but the shared answers. */
import { answer } from './answers.mjs'

export default (req, res) => answer(req, res)
