import { text } from 'node:stream/consumers'

export default async (req, res) => res.end(`listener ${process.pid} ${await text(req)}`)
