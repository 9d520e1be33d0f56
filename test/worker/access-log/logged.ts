/** Logs a request as the pipeline of a worker does. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccessLog } from '../../../worker/access-log/access-log.ts'
import { onResponseEnd } from '../../../worker/http/response-end.ts'

export function track(log: AccessLog, req: IncomingMessage, res: ServerResponse): void {
  log.started(req, res)
  onResponseEnd(req, res, () => log.ended(req, res))
}
