/** The settings under "Security". */
import type { Group } from '../kinds/declaration.ts'
import { bytes, integer, timerSeconds } from '../kinds/kinds.ts'

export const security = {
  limit_request_line: {
    kind: integer({ max: 2 ** 20 }),
    default: 16_384,
    flag: '--limit-request-line',
    doc: 'The most bytes of a request line, beyond which the client gets 414; 0 is no limit. The default is what Node takes for a whole head; that of Gunicorn is 4094, and its most 8190.',
    effect: 'on reload',
  },
  limit_request_fields: {
    kind: integer({ max: 32768 }),
    default: 1_000,
    flag: '--limit-request-fields',
    doc: 'The most header fields of a request, beyond which the client gets 431; 0 means 32768. The default is as many as Node takes; that of Gunicorn is 100.',
    effect: 'on reload',
  },
  limit_request_field_size: {
    kind: integer(),
    default: 16_384,
    flag: '--limit-request-field_size',
    also: ['--limit-request-field-size'],
    doc: 'The most bytes of one header field with its line end, beyond which the client gets 431; 0 means 8190, as in Gunicorn, whose default that is. The default here is what Node takes for a whole head.',
    effect: 'on reload',
  },
  header_timeout: {
    kind: timerSeconds,
    default: 30,
    flag: '--header-timeout',
    doc: 'Seconds that a client has for the head of a request, from the connection or the last answer on; then it gets 408. 0 is no limit. Not in Gunicorn.',
    effect: 'on reload',
  },
  limit_request_body: {
    kind: bytes,
    default: 0,
    flag: '--limit-request-body',
    doc: 'The most bytes of a request body, beyond which the client gets 413; 0 is no limit. Not in Gunicorn.',
    effect: 'on reload',
  },
  write_timeout: {
    kind: timerSeconds,
    default: 60,
    flag: '--write-timeout',
    doc: 'Seconds that a client may leave its answer unread, or read fewer than 100 bytes a second of it, until the connection is cut; 0 is no limit. Not in Gunicorn.',
    effect: 'on reload',
  },
  limit_response_buffer: {
    kind: bytes,
    default: 64 * 1024 * 1024,
    flag: '--limit-response-buffer',
    doc: 'The most bytes of answers that may wait in memory for the client of one connection, behind the piece that is being sent; where more wait and they do not become fewer, the connection is cut. 0 is no limit. Not in Gunicorn.',
    effect: 'on reload',
  },
} as const satisfies Group
