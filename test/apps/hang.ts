/** `/hang` blocks the event loop for ever; other paths answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export default function hang(req: IncomingMessage, res: ServerResponse) {
  if (req.url === '/hang') blockForEver()
  res.end('alive')
}

function blockForEver() {
  for (;;);
}
