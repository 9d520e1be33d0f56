/** The settings under "Security". */
import type { Group } from '../kinds/declaration.ts'
import { bytes, integer, timerSeconds } from '../kinds/kinds.ts'

export const security = {
  limit_request_line: {
    kind: integer({ max: 2 ** 20 }),
    default: 16_384,
    flag: '--limit-request-line',
    doc: "The maximum length of a request line, in bytes; beyond it, the client gets 414. 0 for no limit. The default is what Node accepts for a whole head; Gunicorn's is 4094, and its maximum 8190.",
    effect: 'on reload',
    sent: true,
  },
  limit_request_fields: {
    kind: integer({ max: 32768 }),
    default: 1_000,
    flag: '--limit-request-fields',
    doc: "The maximum number of header fields in a request; beyond it, the client gets 431. 0 means 32768. The default is what Node accepts; Gunicorn's is 100.",
    effect: 'on reload',
    sent: true,
  },
  limit_request_field_size: {
    kind: integer(),
    default: 16_384,
    flag: '--limit-request-field_size',
    also: ['--limit-request-field-size'],
    doc: "The maximum size of one header field with its line end, in bytes; beyond it, the client gets 431. 0 means 8190, which is Gunicorn's default. The default here is what Node accepts for a whole head.",
    effect: 'on reload',
    sent: true,
  },
  header_timeout: {
    kind: timerSeconds,
    default: 30,
    flag: '--header-timeout',
    doc: 'Seconds that a client may take for the head of a request, counted from the connection or the last answer; then it gets 408. 0 for no limit. Not in Gunicorn.',
    effect: 'on reload',
    sent: true,
  },
  limit_request_body: {
    kind: bytes,
    default: 0,
    flag: '--limit-request-body',
    doc: 'The maximum size of a request body, in bytes; beyond it, the client gets 413. 0 for no limit. Not in Gunicorn.',
    effect: 'on reload',
    sent: true,
  },
  write_timeout: {
    kind: timerSeconds,
    default: 60,
    flag: '--write-timeout',
    doc: 'Seconds that a client may leave its answer unread, or read fewer than 100 bytes a second of it, before the connection is cut; 0 for no limit. Not in Gunicorn.',
    effect: 'on reload',
    sent: true,
  },
  limit_response_buffer: {
    kind: bytes,
    default: 64 * 1024 * 1024,
    flag: '--limit-response-buffer',
    doc: 'How many bytes of answers may wait in memory for the client of one connection, behind the piece being sent; if more wait and they do not become fewer, the connection is cut. 0 for no limit. Not in Gunicorn.',
    effect: 'on reload',
    sent: true,
  },
} as const satisfies Group
